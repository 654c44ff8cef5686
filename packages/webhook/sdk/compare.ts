import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openScheme } from '../open.ts'
import { sampleRequest } from '../sample-request.ts'
import type { SchemeConfig, WebhookRequest } from '../scheme.ts'
import { SchemeError } from '../verify/scheme-error.ts'

/** A provider's own package behind the interface that it is compared by. */
export interface Sdk {
  readonly provider: string
  /** Default printable text. */
  readonly secret?: fc.Arbitrary<string>
  readonly options?: Readonly<Record<string, unknown>>
  readonly url?: string
  readonly body?: fc.Arbitrary<string>
  /** Whether the package accepts a request. A throw counts as no. */
  readonly accepts?: (request: Received) => unknown
  /** A request as the package signs it: its headers, and where they differ body and URL. */
  readonly signs?: (given: Given) => Promise<Signed> | Signed
  /** Changes of the clock, in seconds, at which both must say the same. */
  readonly clock?: readonly number[]
  /** Our secret for the package's private key, where both differ. */
  readonly privateKey?: string
  /** Where they are known to disagree, and why that is meant. */
  readonly differences?: readonly Difference[]
}

export interface Difference {
  readonly why: string
  /** Changes a request that both accept so that only one of them accepts it. */
  readonly change: (request: WebhookRequest, secret: string) => WebhookRequest
  readonly acceptedBy: 'us' | 'them'
}

export interface Received {
  readonly body: string
  readonly secret: string
  readonly url: string
  readonly nowMs: number
  /** A header of the request, or an empty text. */
  readonly header: (name: string) => string
  readonly headers: Readonly<Record<string, string>>
}

export interface Given {
  readonly body: string
  readonly secret: string
  readonly url: string
  readonly nowMs: number
}

export interface Signed {
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly url?: string
}

const numRuns = 15

/** JSON with all of Unicode in it. */
export const jsonBody: fc.Arbitrary<string> = fc
  .record({
    id: fc.uuid(),
    type: fc.constantFrom('a.created', 'b.deleted'),
    text: fc.string({ unit: 'grapheme', maxLength: 60 }),
    more: fc.jsonValue({ maxDepth: 2 }),
  })
  .map(value => JSON.stringify(value))

export const base64Secret: fc.Arbitrary<string> = fc
  .uint8Array({ minLength: 24, maxLength: 64 })
  .map(bytes => `whsec_${Buffer.from(bytes).toString('base64')}`)

export const hexSecret: fc.Arbitrary<string> = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map(bytes => Buffer.from(bytes).toString('hex').toUpperCase())

export const textSecret = fc.string({
  unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyzABCXYZ0123456789_-'),
  minLength: 10,
  maxLength: 64,
})
const wholeSeconds = fc.integer({ min: 1_650_000_000, max: 2_000_000_000 }).map(seconds => seconds * 1000)

/**
 * Comparisons of one test file; the last test checks that all of its list were made.
 *
 * @param list provider → package, a part of `compared`
 */
export function openComparisons(list: Readonly<Record<string, string>>) {
  const made = new Set<string>()
  /** Notes a comparison that doesn't fit compareWithSdk. */
  const noteComparison = (provider: string) => void made.add(provider)
  return {
    noteComparison,
    compareWithSdk(sdk: Sdk): void {
      noteComparison(sdk.provider)
      compareWithSdk(sdk)
    },
    checkComparisons(): void {
      test('all of the list were compared', () => expect([...made].sort()).toEqual(Object.keys(list).sort()))
    },
  }
}

function compareWithSdk(sdk: Sdk): void {
  describe(sdk.provider, () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
    afterEach(() => void vi.useRealTimers())
    const given = fc.record({
      body: sdk.body ?? jsonBody,
      secret: sdk.secret ?? textSecret,
      nowMs: wholeSeconds,
    })

    if (sdk.accepts) {
      test('accepts what we sign, and agrees about what was changed', async () => {
        await fc.assert(
          fc.asyncProperty(given, async ({ body: text, secret, nowMs }) => {
            const body = text.replaceAll('{nowMs}', String(nowMs))
            const request = sampleOf(sdk, body, secret, nowMs)
            expect(await oursAccepts(sdk, request, secret, nowMs)).toBe(true)
            expect(await sdkAccepts(sdk, request, secret, nowMs)).toBe(true)
            for (const changed of changesOf(request)) {
              const theirs = await sdkAccepts(sdk, changed, secret, nowMs)
              expect(await oursAccepts(sdk, changed, secret, nowMs)).toBe(theirs)
            }
            const other = otherSecret(secret)
            expect(await oursAccepts(sdk, request, other, nowMs)).toBe(false)
            expect(await sdkAccepts(sdk, request, other, nowMs)).toBe(false)
            for (const seconds of sdk.clock ?? []) {
              const theirs = await sdkAccepts(sdk, request, secret, nowMs + seconds * 1000)
              expect(await oursAccepts(sdk, request, secret, nowMs + seconds * 1000), `${seconds} s`).toBe(
                theirs,
              )
            }
          }),
          { numRuns },
        )
      })
    }

    for (const { why, change, acceptedBy } of sdk.differences ?? []) {
      test(`differs: ${why}`, async () => {
        await fc.assert(
          fc.asyncProperty(given, async ({ body, secret, nowMs }) => {
            const request = change(sampleOf(sdk, body, secret, nowMs), secret)
            expect(await oursAccepts(sdk, request, secret, nowMs)).toBe(acceptedBy === 'us')
            expect(await sdkAccepts(sdk, request, secret, nowMs)).toBe(acceptedBy === 'them')
          }),
          { numRuns },
        )
      })
    }

    if (sdk.signs) {
      test('signs what we accept', async () => {
        await fc.assert(
          fc.asyncProperty(given, async ({ body, secret, nowMs }) => {
            vi.setSystemTime(nowMs)
            const url = sdk.url ?? 'https://hooks.example.com/webhook'
            const signed = await sdk.signs!({ body, secret, url, nowMs })
            const request: WebhookRequest = {
              method: 'POST',
              url: signed.url ?? url,
              headers: Object.fromEntries(
                Object.entries(signed.headers).map(([name, value]) => [name.toLowerCase(), value]),
              ),
              body: Buffer.from(signed.body ?? body),
            }
            expect(await oursAccepts(sdk, request, secret, nowMs)).toBe(true)
            expect(await oursAccepts(sdk, request, otherSecret(secret), nowMs)).toBe(false)
          }),
          { numRuns },
        )
      })
    }
  })
}

/** Of the same form as far as the packages look, but for its last bytes. */
const otherSecret = (secret: string): string => `${secret.slice(0, -8)}AAAAAAA=`

function sampleOf(sdk: Sdk, body: string, secret: string, nowMs: number): WebhookRequest {
  return sampleRequest(sdk.provider, {
    secret,
    nowMs,
    random: () => 0.4,
    body,
    ...(sdk.url && { url: sdk.url }),
    ...(sdk.options && { options: sdk.options }),
    ...(sdk.privateKey && { privateKey: sdk.privateKey }),
  })
}

/** The same request with another body, and with another signature of the same length. */
function changesOf(request: WebhookRequest): WebhookRequest[] {
  const text = Buffer.from(request.body).toString()
  const headers = Object.entries(request.headers).map(([name, value]): [string, string] => {
    const isSignature = /signature|hmac|authorization/.test(name) && !/time|nonce|header/.test(name)
    return [name, isSignature ? withChangedMiddle(String(value)) : String(value)]
  })
  return [
    { ...request, body: Buffer.from(text.replace(/[a-c]/, 'X')) },
    { ...request, headers: Object.fromEntries(headers) },
  ]
}

/** Not the last character: some packages ignore its bits that belong to no byte, and ours refuses them. */
function withChangedMiddle(text: string): string {
  const at = Math.floor((text.length * 2) / 3)
  return text.slice(0, at) + (text[at] === '0' ? '1' : '0') + text.slice(at + 1)
}

async function oursAccepts(
  sdk: Sdk,
  request: WebhookRequest,
  secret: string,
  nowMs: number,
): Promise<boolean> {
  const config: SchemeConfig = {
    provider: sdk.provider,
    secrets: [secret],
    ...(sdk.options && { options: sdk.options }),
  }
  try {
    const verdict = await openScheme(config).verify(request, nowMs)
    return verdict.kind === 'valid'
  } catch (error) {
    // A secret that is no key accepts nothing.
    if (error instanceof SchemeError) return false
    throw error
  }
}

async function sdkAccepts(
  sdk: Sdk,
  request: WebhookRequest,
  secret: string,
  nowMs: number,
): Promise<boolean> {
  vi.setSystemTime(nowMs)
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  )
  try {
    const answer = await sdk.accepts!({
      body: Buffer.from(request.body).toString(),
      secret,
      url: request.url,
      nowMs,
      headers,
      header: name => headers[name] ?? '',
    })
    return answer !== false
  } catch {
    return false
  }
}
