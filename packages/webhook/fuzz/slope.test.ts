import { describe, expect, test } from 'vitest'
import { openScheme } from '../open.ts'
import { allProviders } from '../providers/table.ts'
import { sampleRequest } from '../sample-request.ts'
import type { Scheme, SchemeConfig, WebhookRequest } from '../scheme.ts'
import { aSource } from './a-source.ts'
import { type HostileBody, hostileBodies } from './hostile-bodies.ts'

/*
 * Whatever a stranger posts is verified, identified and answered in time that grows with its bytes and no faster. Each
 * scheme meets each hostile body in two sizes, with the headers of a signed request, so that the body is looked at.
 * `FAIRLEAD_SLOPE_KIB=2048 npx vitest run packages/webhook/fuzz/slope.test.ts` takes larger ones.
 */

const nowMs = 1_760_000_000_000
const largeBytes = Number(process.env.FAIRLEAD_SLOPE_KIB ?? 256) * 1024
const smallBytes = largeBytes / 8
/** Generous: hashing, scanning and a bounded parser take 2 to 30 ms a MiB on a slow machine. */
const ceilingMs = 60 + (200 * largeBytes) / 1024 ** 2
/** Eight times the bytes in the time of 8 · log 8; a quadratic one takes 64 times as long. */
const maxRatio = 24
/** Shorter times say nothing about growth. */
const measurableMs = 15

const customSchemes: readonly (readonly [string, SchemeConfig])[] = [
  ['custom, HMAC', custom({ header: 'x-signature', algorithm: 'hmac-sha256', encoding: 'hex' })],
  [
    'custom, with a time in the body',
    custom({
      header: 'x-signature',
      algorithm: 'hmac-sha256',
      encoding: 'hex',
      timestamp: { member: 'data.timestamp' },
      content: ['{timestamp}', '.', '{body}'],
    }),
  ],
  ['custom, identified by a form', custom({ header: 'x-signature', algorithm: 'token', id: { form: 'id' } })],
  ['custom, JWT', custom({ header: 'x-signature', algorithm: 'jwt-hs256', bodyHash: { claim: 'hash' } })],
]

function custom(scheme: object): SchemeConfig {
  return { provider: 'custom', secrets: ['secret-for-tests'], scheme: { id: { member: 'id' }, ...scheme } }
}

interface Target {
  readonly scheme: Scheme
  readonly headers: WebhookRequest['headers']
}

function target(name: string): Target {
  const { config, privateKey } = aSource(name)
  const scheme = openScheme(config, async () => '')
  try {
    const { headers } = sampleRequest(name, {
      ...(config.secrets[0] !== undefined && { secret: config.secrets[0] }),
      ...(config.options && { options: config.options }),
      nowMs,
      random: () => 0.4,
      ...(privateKey && { privateKey }),
    })
    return { scheme, headers }
  } catch {
    // Only the provider can sign for these.
    return { scheme, headers: {} }
  }
}

/** CPU time of this process in milliseconds: load by other processes doesn't count. */
async function cpuMsOf({ scheme, headers }: Target, body: Uint8Array): Promise<number> {
  const request = { method: 'POST', url: 'https://hooks.example.com/x', headers, body }
  const start = process.cpuUsage()
  const verdict = await scheme.verify(request, nowMs)
  scheme.identify(request)
  scheme.handshake(request, verdict.kind === 'valid', nowMs)
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}

async function leastCpuMs(one: Target, body: Uint8Array, runs: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let run = 0; run < runs; run++) least = Math.min(least, await cpuMsOf(one, body))
  return least
}

const bodies = hostileBodies.map(({ title, make }: HostileBody) => ({
  title,
  small: make(smallBytes),
  large: make(largeBytes),
}))

/** Measured again where it looks bad: noise goes, growth stays. */
async function expectNoSlope(one: Target): Promise<void> {
  for (const { title, small, large } of bodies) {
    if ((await cpuMsOf(one, large)) < measurableMs) continue
    const largeMs = await leastCpuMs(one, large, 4)
    expect(largeMs, `${title}: CPU ms of ${large.length} bytes`).toBeLessThan(ceilingMs)
    if (largeMs < measurableMs) continue
    const smallMs = await leastCpuMs(one, small, 8)
    expect(largeMs / smallMs, `${title}: times as long for 8 times the bytes`).toBeLessThan(maxRatio)
  }
}

describe('an unsigned body costs no more than its length', () => {
  test.each(allProviders().map(({ name }) => name))('%s', name => expectNoSlope(target(name)))

  test.each(['application/x-www-form-urlencoded', 'multipart/form-data; boundary=boundary'])(
    'mailgun, %s',
    type => {
      const { scheme, headers } = target('mailgun')
      return expectNoSlope({ scheme, headers: { ...headers, 'content-type': type } })
    },
  )

  test.each(customSchemes)('%s', (_title, config) =>
    expectNoSlope({ scheme: openScheme(config), headers: { 'x-signature': 'ab'.repeat(32) } }),
  )
})
