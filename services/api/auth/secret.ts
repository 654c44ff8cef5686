import { createHash, randomBytes } from 'node:crypto'

/** A secret of 256 bits, as text. Redis keeps its digest alone. */
export const newSecret = (): string => randomBytes(32).toString('base64url')

/** Whether a text can be a secret of ours: others aren't looked up. */
export const canBeSecret = (text: string | undefined): text is string =>
  text !== undefined && /^[A-Za-z0-9_-]{43}$/.test(text)

/** SHA-256 is enough for 256 random bits: nobody guesses them. */
export const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url')
