import { crc32 } from 'node:zlib'
import type { Mode } from './mode.ts'

/**
 * The text of an API key: a prefix that secret scanners can look for, 256 random bits, and a checksum of both, so that a typing
 * error or a guess is told from a key without a look-up.
 *
 *   sk_live_fl_<43 characters of base62><6 characters: CRC-32 in base62>
 *
 * `pk` keys and `test` keys have the same form. Keys of earlier versions are `key_live_` and 43 characters, without a checksum.
 */
export type ApiKeyKind = 'sk_live_fl_' | 'pk_live_fl_' | 'sk_test_fl_' | 'pk_test_fl_'

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const form = /^([sp]k_(?:live|test)_fl_[0-9A-Za-z]{43})([0-9A-Za-z]{6})$/
const oldForm = /^key_live_[A-Za-z0-9_-]{43}$/

/** Makes a key's text. @param random 32 bytes */
export function apiKeyText(kind: ApiKeyKind, random: Uint8Array): string {
  if (random.length !== 32) throw new TypeError('a key takes 32 random bytes')
  const body = `${kind}${base62(BigInt(`0x${Buffer.from(random).toString('hex')}`), 43)}`
  return body + checksum(body)
}

/** Whether a text has the form of a key, and its checksum. Any text of `key_live_` and 43 characters has: those have none. */
export function canBeApiKey(text: string): boolean {
  if (oldForm.test(text)) return true
  const [, body = '', sum] = form.exec(text) ?? []
  return sum !== undefined && checksum(body) === sum
}

/** The part of a key that people are shown: its prefix and four characters. */
export function shownApiKey(text: string): string {
  return text.slice(0, (text.startsWith('key_live_') ? 'key_live_' : 'sk_live_fl_').length + 4)
}

/** Which data a key is for, by its text or the part that is shown. Keys of earlier versions are live. */
export const modeOfApiKey = (text: string): Mode => (/^[sp]k_test_fl_/.test(text) ? 'test' : 'live')

const checksum = (body: string): string => base62(BigInt(crc32(body)), 6)

function base62(value: bigint, length: number): string {
  let text = ''
  for (let rest = value; text.length < length; rest /= 62n) text = digits[Number(rest % 62n)] + text
  return text
}
