import type { Request, Response } from 'express'
import { isConsolePage } from '../console.ts'
import type { SignIn } from './sign-in.ts'

/** How long a browser remembers where it was going: as long as a link of a mail is good, ms. */
const rememberedMs = 15 * 60_000

/** Pages of signing in that somebody comes to from elsewhere. They show what they are asked for, and change nothing. */
const ownPages: ReadonlySet<string> = new Set([
  '/auth/invitation',
  '/auth/device',
  '/auth/account/passkeys',
  '/auth/account/password',
])

/**
 * The page of the console, or of `ownPages`, that a text names, as a path of this origin; undefined for everything else. Never
 * a way to other sites: `//host`, `/\host` and paths that become such are none of these pages.
 */
export function readLanding(text: unknown, publicUrl: URL): string | undefined {
  if (typeof text !== 'string' || text.length > 1_000 || !/^\/(?![/\\])[\x21-\x7e]*$/.test(text))
    return undefined
  if (!URL.canParse(text, publicUrl.href)) return undefined
  const { origin, pathname, search, hash } = new URL(text, publicUrl)
  const isOurs = origin === publicUrl.origin && (isConsolePage(pathname) || ownPages.has(pathname))
  return isOurs ? pathname + search + hash : undefined
}

/** Remembers in the browser where `?to=` wants to go after signing in. Without `to` what is remembered stays. */
export function rememberLanding({ cookies, publicUrl }: SignIn, request: Request, response: Response): void {
  const { to } = request.query
  if (to === undefined) return
  rememberPage({ cookies, publicUrl }, to, response)
}

/** Remembers a page itself, which wants somebody to sign in first. @param page its path and query */
export function rememberPage(
  { cookies, publicUrl }: Pick<SignIn, 'cookies' | 'publicUrl'>,
  page: unknown,
  response: Response,
): void {
  const path = readLanding(page, publicUrl)
  const cookie =
    path === undefined
      ? cookies.clear('landing')
      : cookies.write('landing', encodeURIComponent(path), rememberedMs)
  response.append('set-cookie', cookie)
}

/**
 * Redirects a person who has signed in to the page that they asked for before, or else to the console's first page. The cookie is
 * checked like the address that it was made from. It stays until it expires, so that a second click leads there too.
 */
export function land(signIn: SignIn, request: Request, response: Response): void {
  response.redirect(303, landingOf(signIn, request))
}

/** The page that a person asked for before signing in, or the console's first. */
export const landingOf = ({ cookies, publicUrl }: SignIn, request: Request): string =>
  readLanding(cookies.read(request.headers.cookie, 'landing'), publicUrl) ?? homePath

/** Where a person goes who wanted no page. */
export const homePath = '/'
