import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/**
 * Keys of this platform for signing people in, as FAIRLEAD_SIGN_IN_KEYS has them. From each, others are derived by their use, so that
 * none is used for two things.
 */
export interface SignInKeys {
  /** The newest first. */
  readonly all: readonly SignInKey[]
  /** A MAC of a text for one use, under the newest key. Of a code's 20 bits a bare digest would tell the code. */
  macOf(use: MacUse, text: string): string
  /** In constant time, under any of the keys. */
  isMacOf(use: MacUse, mac: string, text: string): boolean
}

export type MacUse = 'code' | 'refresh' | 'browser'

export interface SignInKey {
  readonly id: string
  /** 32 bytes for one use. */
  derive(use: string): Buffer
}

/** Reads `id:base64 of 32 bytes`, comma-separated; undefined where an entry is something else. */
export function readSignInKeys(text: string): SignInKeys | undefined {
  const all: SignInKey[] = []
  for (const entry of text.split(',').map(part => part.trim())) {
    const [, id, encoded] = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]{43}=)$/.exec(entry) ?? []
    if (!id || !encoded || all.some(key => key.id === id)) return undefined
    const secret = Buffer.from(encoded, 'base64')
    all.push({ id, derive: use => Buffer.from(hkdfSync('sha256', secret, '', `fairlead ${use}`, 32)) })
  }
  if (all.length === 0) return undefined
  const keysOf = (use: MacUse) => all.map(key => key.derive(use))
  const macKeys = { code: keysOf('code'), refresh: keysOf('refresh'), browser: keysOf('browser') }
  const mac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  return {
    all,
    macOf: (use, text) => mac(macKeys[use][0]!, text).toString('base64url'),
    isMacOf(use, given, text) {
      const bytes = Buffer.from(given, 'base64url')
      const fits = macKeys[use].map(key => bytes.length === 32 && timingSafeEqual(bytes, mac(key, text)))
      return fits.includes(true)
    },
  }
}
