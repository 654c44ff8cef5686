import { mkdir, writeFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { scratchFolder } from '@fairlead/testbed/scratch'
import express from 'express'
import { expect, test } from 'vitest'
import { serveConsole } from './console.ts'

async function serve(folder: string) {
  const app = express()
  serveConsole(app, folder)
  const server = await new Promise<Server>(resolve => {
    const listening: Server = app.listen(0, '127.0.0.1', () => resolve(listening))
  })
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    get: (path: string, headers: Record<string, string> = {}) => fetch(base + path, { headers }),
    [Symbol.asyncDispose]: () => new Promise<void>(resolve => server.close(() => resolve())),
  }
}

async function writeConsole(folder: string): Promise<void> {
  await mkdir(join(folder, 'assets'), { recursive: true })
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>Console</title>')
  await writeFile(join(folder, 'assets', 'index-0a1b.js'), 'plain')
  await writeFile(join(folder, 'assets', 'index-0a1b.js.br'), 'brotli')
}

test('every page is one document, under a policy that allows nothing inline and nothing from elsewhere', async () => {
  await using scratch = await scratchFolder()
  await writeConsole(scratch.path)
  await using console = await serve(scratch.path)
  for (const path of ['/', '/organizations/acme/events?status=failed', '/sign-in']) {
    const answer = await console.get(path)
    expect(await answer.text()).toContain('<title>Console</title>')
    const policy = answer.headers.get('content-security-policy')!
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("require-trusted-types-for 'script'")
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
    expect(answer.headers.get('cache-control')).toBe('no-cache')
  }
})

test('an address of the API is never answered with a page', async () => {
  await using scratch = await scratchFolder()
  await writeConsole(scratch.path)
  await using console = await serve(scratch.path)
  for (const path of [
    '/api/v1/nothing',
    '/assets/other.js',
    '/assets/../index.html',
    '/healthz',
    '/auth/x',
  ]) {
    expect((await console.get(path)).status, path).toBe(404)
  }
})

test('what has its digest in its name is kept for a year, compressed as it was built', async () => {
  await using scratch = await scratchFolder()
  await writeConsole(scratch.path)
  await using console = await serve(scratch.path)
  const answer = await console.get('/assets/index-0a1b.js', { 'accept-encoding': 'gzip' })
  expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  expect(answer.headers.get('vary')).toBe('accept-encoding')
  // There is no .gz of it, so it comes as it is.
  expect(answer.headers.get('content-encoding')).toBeNull()
  expect(await answer.text()).toBe('plain')
  const again = { 'if-none-match': answer.headers.get('etag')! }
  expect((await console.get('/assets/index-0a1b.js', again)).status).toBe(304)
})

test('a console that is still being built says so, and is there without a restart', async () => {
  await using scratch = await scratchFolder()
  const folder = join(scratch.path, 'later')
  await using console = await serve(folder)
  const early = await console.get('/')
  expect(early.status).toBe(503)
  expect(early.headers.get('refresh')).toBe('3')
  await writeConsole(folder)
  expect((await console.get('/')).status).toBe(200)
})
