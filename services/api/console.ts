import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join, sep } from 'node:path'
import type { Express, Request, Response } from 'express'

/** A file of the built console in memory, with the forms that it was compressed to when it was built. */
interface ConsoleFile {
  readonly type: string
  readonly plain: Buffer
  readonly br: Buffer | undefined
  readonly gzip: Buffer | undefined
  readonly etag: string
}

type ConsoleFiles = ReadonlyMap<string, ConsoleFile>

/**
 * Serves the console from a folder that `services/console/build.ts` wrote; it may come to be there later, as a whole. Files
 * whose names have their digest are kept by browsers for a year. All pages are one document, which finds its page by the
 * address; an address that is none of the console's is left to the API.
 */
export function serveConsole(app: Express, folder: string): void {
  let files: ConsoleFiles | undefined
  const read = (): ConsoleFiles | undefined => {
    files ??= readConsole(folder)
    return files
  }
  app.get(/^\/assets\/[\w.-]+$|^\/favicon\.svg$/, (request, response, next) => {
    const file = read()?.get(request.path)
    if (!file) return next()
    const isImmutable = request.path.startsWith('/assets/')
    response.set('cache-control', isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache')
    send(file, request, response)
  })
  app.get(pages, (request, response) => {
    const page = read()?.get('/index.html')
    // Also on the page that is shown while the console is being built.
    response.set('content-security-policy', contentSecurityPolicy)
    if (!page) return sendBuilding(response)
    response.set('cache-control', 'no-cache')
    send(page, request, response)
  })
}

/** The addresses that the console has pages for, see services/console/app/router.tsx. */
export const isConsolePage = (path: string): boolean => pages.test(path)
const pages = /^\/(?:(?:sign-in|organizations|platform|account|simulator|invitations)(?:\/.*)?)?$/

/**
 * Nothing inline, nothing from elsewhere, and no text becomes markup or script: `trusted-types 'none'` lets nobody make an
 * exception (https://www.w3.org/TR/trusted-types/).
 */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Undefined where the folder isn't there yet. */
function readConsole(folder: string): ConsoleFiles | undefined {
  const names = list(folder)
  if (!names) return undefined
  const files = new Map<string, ConsoleFile>()
  for (const name of names) {
    const type = types[extname(name)]
    if (!type) continue
    const path = join(folder, name)
    const plain = readFileSync(path)
    files.set(`/${name.replaceAll(sep, '/')}`, {
      type,
      plain,
      br: names.includes(`${name}.br`) ? readFileSync(`${path}.br`) : undefined,
      gzip: names.includes(`${name}.gz`) ? readFileSync(`${path}.gz`) : undefined,
      etag: `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`,
    })
  }
  return files
}

function list(folder: string): string[] | undefined {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function send(file: ConsoleFile, request: Request, response: Response): void {
  response.set('vary', 'accept-encoding').set('etag', file.etag)
  if (request.get('if-none-match') === file.etag) {
    response.status(304).end()
    return
  }
  const encoding = request.acceptsEncodings(['br', 'gzip', 'identity'])
  const body = (encoding === 'br' && file.br) || (encoding === 'gzip' && file.gzip) || file.plain
  if (body !== file.plain) response.set('content-encoding', String(encoding))
  response.set('content-type', file.type).send(body)
}

/** Until it is there: a page that looks again by itself. */
function sendBuilding(response: Response): void {
  response.status(503).set('cache-control', 'no-store').set('retry-after', '3').set('refresh', '3')
  response.type('html').send(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Fairlead</title>
<h1>The console is being built</h1>
<p>This happens once, at the first start, and takes about a minute. The page looks again every three seconds;
the terminal says how far it is, or why it can't be built. The API answers meanwhile: see <a href="/docs">/docs</a>.</p></html>`)
}
