import { domainToASCII } from 'node:url'

/**
 * One e-mail address as we compare it: an ASCII local part, no quotes, comments or lists; lower case; its domain as DNS has it. Undefined
 * for everything else. Dots and `+` count: `a.b@x` and `ab@x` are two people
 * (https://cheatsheetseries.owasp.org/cheatsheets/Email_Validation_and_Verification_Cheat_Sheet.html).
 */
export function readAddress(text: unknown): string | undefined {
  if (typeof text !== 'string' || text.length > 320) return undefined
  const [local = '', domain = '', ...more] = text.trim().split('@')
  if (more.length > 0 || !/^[\w.!#$%&*+/=?^{|}~-]{1,64}$/.test(local)) return undefined
  if (/^\.|\.$|\.\./.test(local)) return undefined
  const ascii = domainToASCII(domain)
  if (ascii.length > 253 || !/^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*$/.test(ascii)) return undefined
  return `${local.toLowerCase()}@${ascii}`
}
