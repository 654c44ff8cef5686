import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { getEvent, listEvents } from './gen/client.ts'
import { TransportError } from './transport.ts'
import { clientFile, writeClient } from './write-client.ts'

test('gen/client.ts is what docs/openapi.json says (npm run generate)', async () => {
  // Beside gen/, so that the path to the transport is the same.
  const folder = mkdtempSync(join(import.meta.dirname, 'compared-'))
  try {
    await writeClient(join(folder, 'client.ts'))
    expect(readFileSync(clientFile, 'utf8')).toBe(readFileSync(join(folder, 'client.ts'), 'utf8'))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('an answer narrows by its status', async () => {
  const { baseUrl, close } = await serve((_request, response) =>
    response.setHeader('content-type', 'application/json').end('{"items":[],"next":null}'),
  )
  await using _ = { [Symbol.asyncDispose]: close }
  const got = await listEvents('acme', {}, { baseUrl })
  expect(got.status === 200 && got.data.items).toEqual([])
})

test('a problem document is a value', async () => {
  const { baseUrl, close } = await serve((_request, response) =>
    response
      .writeHead(404, { 'content-type': 'application/problem+json' })
      .end('{"type":"about:blank","title":"Not found","status":404,"code":"not_found"}'),
  )
  await using _ = { [Symbol.asyncDispose]: close }
  const got = await getEvent('acme', 'evt_1', { baseUrl })
  expect(got.status === 404 && got.data.code).toBe('not_found')
})

test("a proxy's page of HTML is no answer of the API", async () => {
  const { baseUrl, close } = await serve((_request, response) =>
    response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>'),
  )
  await using _ = { [Symbol.asyncDispose]: close }
  await expect(listEvents('acme', {}, { baseUrl })).rejects.toMatchObject({ code: 'not_json', status: 502 })
})

test('JSON that was cut off is no answer of the API', async () => {
  const { baseUrl, close } = await serve((_request, response) =>
    response.setHeader('content-type', 'application/json').end('{"items":['),
  )
  await using _ = { [Symbol.asyncDispose]: close }
  await expect(listEvents('acme', {}, { baseUrl })).rejects.toBeInstanceOf(TransportError)
})

test('nobody at the address is told apart from a call that was given up', async () => {
  const { baseUrl, close } = await serve(() => {})
  await close()
  await expect(listEvents('acme', {}, { baseUrl })).rejects.toMatchObject({ code: 'unreachable' })
  const signal = AbortSignal.abort()
  await expect(listEvents('acme', {}, { baseUrl, signal })).rejects.toMatchObject({ name: 'AbortError' })
})

test("a slash in an argument doesn't lead to another operation", async () => {
  const seen = Promise.withResolvers<string | undefined>()
  const { baseUrl, close } = await serve((request, response) => {
    seen.resolve(request.url)
    response.setHeader('content-type', 'application/json').end('{}')
  })
  await using _ = { [Symbol.asyncDispose]: close }
  await getEvent('acme', '../members', { baseUrl })
  expect(await seen.promise).toBe('/api/v1/organizations/acme/events/..%2Fmembers')
})

async function serve(listener: RequestListener): Promise<{ baseUrl: string; close: () => Promise<void> }> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
}
