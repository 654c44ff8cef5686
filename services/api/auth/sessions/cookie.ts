import { parseCookie } from 'cookie'

/** Cookies of an address: their names, and how they are set. */
export interface Cookies {
  read(header: string | undefined, name: CookieName): string | undefined
  /** Value of `Set-Cookie`. */
  write(name: CookieName, value: string, maxAgeMs: number): string
  clear(name: CookieName): string
}

export type CookieName = 'session' | 'login' | 'landing' | 'browser'

/**
 * `__Host-` binds a cookie to this very host over https (https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3.2). Plain http, which the
 * configuration allows on loopback alone, can't have it.
 */
export function openCookies(publicUrl: URL): Cookies {
  const isSecure = publicUrl.protocol === 'https:'
  const nameOf = (name: CookieName) => (isSecure ? `__Host-${name}` : `fairlead-${name}`)
  const attributes = `Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
  return {
    read: (header, name) => (header === undefined ? undefined : parseCookie(header)[nameOf(name)]),
    write: (name, value, maxAgeMs) =>
      `${nameOf(name)}=${value}; ${attributes}; Max-Age=${Math.floor(maxAgeMs / 1000)}`,
    clear: name => `${nameOf(name)}=; ${attributes}; Max-Age=0`,
  }
}
