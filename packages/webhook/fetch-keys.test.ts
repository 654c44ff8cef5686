import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, fetch as undiciFetch } from 'undici'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { keyFetchFor, openKeyFetch } from './fetch-keys.ts'
import type { KeyFetch } from './scheme.ts'

let server: Server
let base: string
let agent: Agent
/** The server's answer to each request, and the number of requests so far. */
let respond: Parameters<typeof createServer>[1] & ((...args: never[]) => void)
let seen: string[]

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-keys-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      key,
      '-out',
      cert,
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost',
    ],
    { stdio: 'ignore' },
  )
  const ca = readFileSync(cert)
  server = createServer({ key: readFileSync(key), cert: ca }, (request, response) => {
    seen.push(`${request.method} ${request.url}`)
    respond(request as never, response as never)
  })
  rmSync(folder, { recursive: true })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  base = `https://localhost:${(server.address() as AddressInfo).port}`
  agent = new Agent({ connect: { ca } })
})

afterAll(async () => {
  await agent.close()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

beforeEach(() => {
  seen = []
  answer(200, 'keys')
})

function answer(status: number, text: string, headers: Record<string, string> = {}): void {
  respond = ((_request: never, response: { writeHead(s: number, h: object): void; end(t: string): void }) => {
    response.writeHead(status, headers)
    response.end(text)
  }) as never
}

/** A key fetch with a clock of its own, that trusts the server's certificate. */
function aKeyFetch(overrides: Parameters<typeof openKeyFetch>[0] = {}) {
  const clock = { nowMs: 1_760_000_000_000 }
  const trusting = (url: unknown, init: object) =>
    undiciFetch(url as URL, { ...init, dispatcher: agent } as never)
  const keys = openKeyFetch({
    fetch: trusting as unknown as typeof fetch,
    now: () => clock.nowMs,
    ...overrides,
  })
  return { keys, clock }
}

describe('a key fetch', () => {
  test('fetches once, and then answers from its cache', async () => {
    const { keys } = aKeyFetch()
    expect(await keys(`${base}/a`)).toBe('keys')
    expect(await keys(`${base}/a`)).toBe('keys')
    expect(seen).toEqual(['GET /a'])
  })

  test('joins those who ask at the same time', async () => {
    const { keys } = aKeyFetch()
    await Promise.all(Array.from({ length: 20 }, () => keys(`${base}/a`)))
    expect(seen).toHaveLength(1)
  })

  test('refreshes an old copy in the background, without holding up a request', async () => {
    const { keys, clock } = aKeyFetch()
    await keys(`${base}/a`)
    answer(200, 'newer keys')
    clock.nowMs += 3_600_001
    expect(await keys(`${base}/a`)).toBe('keys')
    await expect.poll(() => keys(`${base}/a`)).toBe('newer keys')
    expect(seen).toHaveLength(2)
  })

  test('goes on with the known copy while the provider is down', async () => {
    const { keys, clock } = aKeyFetch()
    await keys(`${base}/a`)
    answer(503, 'down')
    for (let hour = 1; hour <= 48; hour++) {
      clock.nowMs += 3_600_001
      expect(await keys(`${base}/a`)).toBe('keys')
    }
  })

  test('stops trusting a copy after a week', async () => {
    const { keys, clock } = aKeyFetch()
    await keys(`${base}/a`)
    answer(503, 'down')
    clock.nowMs += 7 * 24 * 3_600_000 + 1
    await expect(keys(`${base}/a`)).rejects.toMatchObject({ code: 'bad_status' })
  })

  test('remembers a failure for 30 seconds', async () => {
    const { keys, clock } = aKeyFetch()
    answer(500, 'oops')
    await expect(keys(`${base}/a`)).rejects.toMatchObject({ name: 'KeyFetchError', code: 'bad_status' })
    await expect(keys(`${base}/a`)).rejects.toMatchObject({ code: 'bad_status' })
    expect(seen).toHaveLength(1)
    clock.nowMs += 30_000
    answer(200, 'keys')
    expect(await keys(`${base}/a`)).toBe('keys')
  })

  test('asks again for an unknown key at most once a minute', async () => {
    const { keys, clock } = aKeyFetch()
    await keys(`${base}/a`)
    answer(200, 'rotated')
    expect(await keys(`${base}/a`, { fresh: true })).toBe('keys')
    clock.nowMs += 60_001
    expect(await keys(`${base}/a`, { fresh: true })).toBe('rotated')
    expect(await keys(`${base}/a`, { fresh: true })).toBe('rotated')
    expect(seen).toHaveLength(2)
  })

  test('posts JSON, and keeps the answers to different questions apart', async () => {
    const { keys } = aKeyFetch()
    await keys(`${base}/a`, { json: '{"key_id":"1"}' })
    await keys(`${base}/a`, { json: '{"key_id":"2"}' })
    await keys(`${base}/a`, { json: '{"key_id":"1"}' })
    expect(seen).toEqual(['POST /a', 'POST /a'])
  })

  test('follows no redirect', async () => {
    const { keys } = aKeyFetch()
    answer(302, '', { location: `${base}/elsewhere` })
    await expect(keys(`${base}/a`)).rejects.toMatchObject({ code: 'bad_status' })
    expect(seen).toEqual(['GET /a'])
  })

  test('reads no more than its limit', async () => {
    const { keys } = aKeyFetch()
    answer(200, 'x'.repeat(64 * 1024 + 1))
    await expect(keys(`${base}/a`)).rejects.toMatchObject({ code: 'too_large' })
  })

  test('waits no longer than its limit', async () => {
    const { keys } = aKeyFetch({ timeoutMs: 100 })
    respond = (() => undefined) as never
    await expect(keys(`${base}/a`)).rejects.toMatchObject({ code: 'timed_out' })
  })

  test('refuses a server whose certificate it doesn’t trust', async () => {
    const keys = openKeyFetch()
    await expect(keys(`${base}/a`)).rejects.toMatchObject({ code: 'unreachable' })
    expect(seen).toEqual([])
  })

  test('never asks by http', async () => {
    const { keys } = aKeyFetch()
    await expect(keys(base.replace('https:', 'http:'))).rejects.toMatchObject({ code: 'not_https' })
  })

  test('keeps no more addresses than its limit', async () => {
    const { keys } = aKeyFetch({ maxUnproven: 2 })
    for (const path of ['/a', '/b', '/c', '/a']) await keys(base + path)
    expect(seen).toEqual(['GET /a', 'GET /b', 'GET /c', 'GET /a'])
  })
})

describe('addresses that strangers make up', () => {
  const flood = async (keys: KeyFetch, count: number, prefix = 'x') =>
    await Promise.allSettled(Array.from({ length: count }, (_, i) => keys(`${base}/${prefix}${i}.pem`)))

  test('a thousand unsigned requests make no more than a few fetches', async () => {
    const { keys, clock } = aKeyFetch()
    answer(404, '')
    const results = await flood(keys, 1000)
    expect(seen).toHaveLength(8)
    const codes = Map.groupBy(results, result => (result as PromiseRejectedResult).reason.code)
    expect([...codes].map(([code, { length }]) => [code, length])).toEqual([
      ['bad_status', 8],
      ['throttled', 992],
    ])
    clock.nowMs += 10_000
    await flood(keys, 1000, 'y')
    expect(seen).toHaveLength(9)
  })

  test('a proven address is never pushed out by them', async () => {
    const { keys } = aKeyFetch({ burst: 100, maxUnproven: 4 })
    await keys(`${base}/good.pem`)
    keys.prove!(`${base}/good.pem`)
    for (let i = 0; i < 10; i++) await flood(keys, 1, `${i}-`)
    expect(seen).toHaveLength(11)
    expect(await keys(`${base}/good.pem`)).toBe('keys')
    expect(seen).toHaveLength(11)
  })

  test('one source’s flood keeps no other source from its keys', async () => {
    const { keys } = aKeyFetch()
    await flood(keyFetchFor(keys, 'src_attacked'), 1000)
    expect(await keyFetchFor(keys, 'src_other')(`${base}/good.pem`)).toBe('keys')
  })

  test('no number of sources fetches more than some at one time', async () => {
    const { keys } = aKeyFetch({ maxFetches: 3 })
    const held: (() => void)[] = []
    respond = ((_request: never, response: { end(): void }) => held.push(() => response.end())) as never
    const asked = Array.from({ length: 100 }, (_, i) => keyFetchFor(keys, `src_${i}`)(`${base}/${i}.pem`))
    const settled = Promise.allSettled(asked)
    await expect.poll(() => held.length).toBe(3)
    for (const release of held) release()
    expect((await settled).filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    expect(seen).toHaveLength(3)
  })

  test('a proven address is renewed while its source is flooded', async () => {
    const { keys, clock } = aKeyFetch()
    await keys(`${base}/good.pem`)
    keys.prove!(`${base}/good.pem`)
    await flood(keys, 20)
    clock.nowMs += 3_600_001
    await flood(keys, 20, 'y')
    answer(200, 'newer keys')
    await keys(`${base}/good.pem`)
    await expect.poll(() => keys(`${base}/good.pem`)).toBe('newer keys')
  })
})
