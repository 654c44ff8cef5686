import type { SignInKeys } from '../keys.ts'
import { canBeSecret, newSecret } from '../secret.ts'

/**
 * A browser's memory of who signed in with it, in a cookie: a random name of the browser, and a MAC of that name with each address.
 * Nothing is kept on our side, so that no restart makes every browser a new one.
 */

/** How long a browser is remembered after the last sign-in, ms: 400 days, the most that browsers keep a cookie. */
export const browserMs = 400 * 86_400_000

/** The most mail addresses that a browser's cookie remembers. The oldest goes first. */
const mostRemembered = 5

/** @param text the cookie; undefined: it has none */
export function meetBrowser(
  keys: SignInKeys,
  text: string | undefined,
  email: string,
): { readonly isKnown: boolean; readonly next: string } {
  const [name, ...macs] = (text ?? '').split('.').slice(0, mostRemembered + 1)
  const browser = canBeSecret(name) ? name : newSecret()
  const isOf = (mac: string) => keys.isMacOf('browser', mac, `${browser}.${email}`)
  const others = macs.filter(mac => canBeSecret(mac) && !isOf(mac))
  const own = keys.macOf('browser', `${browser}.${email}`)
  return {
    isKnown: macs.some(isOf),
    next: [browser, own, ...others].slice(0, mostRemembered + 1).join('.'),
  }
}
