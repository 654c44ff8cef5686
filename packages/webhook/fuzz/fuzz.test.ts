import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openScheme } from '../open.ts'
import { allProviders, findProvider } from '../providers/table.ts'
import { sampleRequest } from '../sample-request.ts'
import type { Scheme, WebhookRequest } from '../scheme.ts'
import { aSource } from './a-source.ts'
import { reasonToAccept } from './accepted-mutants.ts'
import { mutate, mutation } from './mutate.ts'

/*
 * Changed requests, headers of any bytes and hostile lengths, for every provider. Longer by command:
 * `FAIRLEAD_FUZZ_RUNS=20000 npx vitest run packages/webhook/fuzz`. fast-check generates without looking at coverage;
 * guided.ts does look. Hostile bodies are slope.test.ts'.
 */

const numRuns = Number(process.env.FAIRLEAD_FUZZ_RUNS ?? 150)
const timeoutMs = 60_000 + numRuns * 200
const nowMs = 1_760_000_000_000

function opened(name: string): { scheme: Scheme; request: WebhookRequest } | undefined {
  const { config, privateKey } = aSource(name)
  const scheme = openScheme(config, async () => '')
  try {
    const request = sampleRequest(name, {
      ...(config.secrets[0] !== undefined && { secret: config.secrets[0] }),
      ...(config.options && { options: config.options }),
      nowMs,
      random: () => 0.4,
      ...(privateKey && { privateKey }),
    })
    return { scheme, request }
  } catch {
    // Only the provider can sign for these; their own tests change their requests.
    return undefined
  }
}

/** CPU time of this process: load by other processes doesn't count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

const names = allProviders().map(row => row.name)

describe('no changed request is accepted without a reason', () => {
  test.each(names)(
    '%s',
    async name => {
      const found = opened(name)
      if (!found) return expect(['aws-sns', 'google-pubsub-oidc', 'paypal', 'plaid']).toContain(name)
      const row = findProvider(name)!
      expect(await found.scheme.verify(found.request, nowMs)).toMatchObject({ kind: 'valid' })
      await fc.assert(
        fc.asyncProperty(mutation, async change => {
          const mutant = mutate(found.request, change)
          const verdict = await found.scheme.verify(mutant.request, nowMs)
          if (!mutant.isChanged || verdict.kind === 'invalid') return
          expect(reasonToAccept(row, change, mutant), JSON.stringify(change)).toBeDefined()
        }),
        { numRuns },
      )
    },
    timeoutMs,
  )
})

const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.stringMatching(/^[tvh0-9=,;. |&A-Fa-f+/_-]{0,300}$/),
  fc.constantFrom(
    '',
    '=',
    ',',
    't=',
    'v1=',
    't=1,v1=',
    '..',
    'Bearer ',
    'Basic ',
    'v1,',
    'sha256=',
    '\ud800',
    '__proto__',
  ),
)

describe('nothing throws, whatever comes', () => {
  test.each(names)(
    '%s',
    async name => {
      const { config } = aSource(name)
      const scheme = openScheme(config, async () => '')
      const known = Object.keys(opened(name)?.request.headers ?? {})
      const headerName = fc.constantFrom(...known, ...headerNamesOf(name), 'constructor', 'x-other')
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(headerName, fc.oneof(hostileText, fc.array(hostileText, { maxLength: 3 }))), {
            maxLength: 8,
          }),
          fc.oneof(
            fc.uint8Array({ maxLength: 200 }),
            fc.json().map(text => new TextEncoder().encode(text)),
          ),
          hostileText,
          fc.constantFrom('GET', 'POST', 'HEAD', 'OPTIONS'),
          async (headers, body, url, method) => {
            const request: WebhookRequest = { method, url, headers: Object.fromEntries(headers), body }
            const verdict = await scheme.verify(request, nowMs)
            scheme.identify(request)
            scheme.handshake(request, verdict.kind === 'valid', nowMs)
          },
        ),
        { numRuns },
      )
    },
    timeoutMs,
  )
})

function headerNamesOf(name: string): readonly string[] {
  const { scheme } = findProvider(name)!
  if (scheme.kind === 'jwt') return [scheme.header]
  if (scheme.kind === 'token') return ['authorization', 'x-gitlab-token']
  if (scheme.kind !== 'signature')
    return ['authorization', 'paypal-transmission-sig', 'x-contentful-signed-headers']
  const time = scheme.timestamp && 'header' in scheme.timestamp ? [scheme.timestamp.header] : []
  return [
    ...scheme.headers.map(header => header.replace('{n}', '1')),
    ...time,
    ...(scheme.id ? [scheme.id] : []),
  ]
}

describe('a hostile header costs no more than its length', () => {
  const longs: [string, (size: number) => string][] = [
    ['signatures', size => `v1=${'a'.repeat(64)},`.repeat(Math.ceil(size / 68)).slice(0, size)],
    ['short candidates', size => 'v1=a,'.repeat(Math.ceil(size / 5)).slice(0, size)],
    ['separators', size => ','.repeat(size)],
    ['blanks', size => ' '.repeat(size)],
    ['one word', size => 'a'.repeat(size)],
    ['dots', size => '.'.repeat(size)],
    ['equals', size => '='.repeat(size)],
    ['base64', size => `v1,${'A'.repeat(43)}= `.repeat(Math.ceil(size / 48)).slice(0, size)],
  ]
  test.each(names)('%s', async name => {
    const { config } = aSource(name)
    const scheme = openScheme(config, async () => '')
    for (const [title, make] of longs) {
      const text = make(64 * 1024)
      const headers = Object.fromEntries(
        [...headerNamesOf(name), ...Object.keys(opened(name)?.request.headers ?? {})].map(header => [
          header,
          text,
        ]),
      )
      const start = cpuMs()
      await scheme.verify(
        { method: 'POST', url: 'https://hooks.example.com/x', headers, body: Buffer.from(text) },
        nowMs,
      )
      // 64 KiB take a millisecond or two; anything quadratic would take seconds.
      expect(cpuMs() - start, title).toBeLessThan(1000)
    }
  })

  test('10,000 candidates take ten times as long as 1,000', () => {
    const scheme = openScheme({ provider: 'stripe', secrets: ['a', 'b'] })
    const time = (count: number) => {
      const header = `t=1760000000,${Array(count)
        .fill(`v1=${'0'.repeat(64)}`)
        .join(',')}`
      const request = {
        method: 'POST',
        url: '',
        headers: { 'stripe-signature': header },
        body: Buffer.from('{}'),
      }
      const runs = Array.from({ length: 15 }, () => {
        const start = cpuMs()
        const verdict = scheme.verify(request, nowMs)
        const tookMs = cpuMs() - start
        expect(verdict).toMatchObject({ reason: 'signature_mismatch' })
        return tookMs
      })
      return Math.min(...runs)
    }
    time(1000)
    // Linear is 10; quadratic would be 100.
    expect(time(10_000) / time(1000)).toBeLessThan(40)
  })
})
