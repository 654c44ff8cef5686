import { randomUUID } from 'node:crypto'
import { openScheme } from '@fairlead/webhook/open'
import { describe, expect, test } from 'vitest'
import { startCounting } from './count-arrivals.ts'
import { nodeHmac } from './drive.ts'
import { type Fate, judge } from './judge.ts'
import { htmlOf, reportOf } from './report.ts'
import { bodyOf, figures, findScenario, providers, scaled, scenarios } from './scenarios.ts'
import { dueTimes } from './schedule.ts'
import { loadSecrets, signedHeaders } from './sign.ts'

const nowMs = 1_700_000_000_000

test.each(providers)(
  '%s: what is signed verifies, and each request is an event of its own',
  async provider => {
    const scheme = openScheme({ provider, secrets: [loadSecrets[provider]] })
    const identities = await Promise.all(
      [randomUUID(), randomUUID()].map(async id => {
        const body = bodyOf(provider, id)
        const headers = signedHeaders(provider, { id, body, nowMs, secret: loadSecrets[provider] }, nodeHmac)
        const request = { method: 'POST', url: '/', headers, body: Buffer.from(body) }
        expect(body).toHaveLength(2_048)
        expect((await scheme.verify(request, nowMs)).kind).toBe('valid')
        return scheme.identify(request).deliveryId
      }),
    )
    expect(identities.every(identity => identity !== undefined)).toBe(true)
    expect(new Set(identities).size).toBe(2)
  },
)

describe('requests are due', () => {
  test('evenly, as many as the stages say, also where a stage ends between two of them', () => {
    expect([...dueTimes([{ seconds: 1, perSecond: 4 }])]).toEqual([250, 500, 750, 1_000])
    const stages = [
      { seconds: 0.5, perSecond: 3 },
      { seconds: 2, perSecond: 0 },
      { seconds: 0.5, perSecond: 3 },
    ]
    const times = [...dueTimes(stages)].map(Math.round)
    // One and a half in the first stage: the half is owed.
    expect(times).toEqual([333, 2_667, 3_000])
  })

  test.each(Object.values(scenarios))('$name', ({ flows }) => {
    for (const { stages } of flows) {
      const wanted = stages.reduce((sum, { seconds, perSecond }) => sum + seconds * perSecond, 0)
      expect([...dueTimes(stages)].length).toBe(wanted)
    }
  })

  test('scaled in time and rate', () => {
    const [flow] = scaled(findScenario('ingest'), { seconds: 0.1, rate: 0.5 }).flows
    expect(flow!.stages).toEqual([{ seconds: 12, perSecond: 250 }])
    expect(() => findScenario('fast')).toThrow('ingest, end-to-end')
  })
})

test('every limit names a figure that is measured, and a flow of its scenario', () => {
  for (const { flows, limits } of Object.values(scenarios)) {
    for (const { figure, flow } of limits) {
      expect(figures).toContain(figure)
      if (flow !== undefined) expect(flows.map(({ name }) => name)).toContain(flow)
    }
  }
})

const fate = (more: Partial<Fate> = {}): Fate => ({
  flow: 'all',
  dueMs: 0,
  acceptMs: 3,
  status: 200,
  retryAfter: false,
  accepted: true,
  arrivalMs: 8,
  repeats: 0,
  ...more,
})
const { arrivalMs: _arrival, ...lost } = fate()
const { acceptMs: _accept, ...unsent } = fate({ accepted: false, status: 0 })

describe('a run is judged', () => {
  test.each<[string, Fate[], (typeof figures)[number], number]>([
    ['one of four lost', [fate(), fate(), fate(), lost], 'lost', 1],
    ['one delivered three times', [fate(), fate({ repeats: 2 })], 'repeated', 2],
    ['one refused', [fate(), fate({ accepted: false, status: 503, retryAfter: true })], 'refused_ratio', 0.5],
    ['a refusal without Retry-After', [fate(), fate({ accepted: false, status: 500 })], 'failed_ratio', 0.5],
    ['one that the generator did not send', [fate(), unsent], 'unsent', 1],
  ])('%s', (_what, fates, figure, value) => {
    expect(judge(fates, [{ figure, atMost: 0 }])).toEqual([{ figure, atMost: 0, value, kept: false }])
    expect(judge([fate()], [{ figure, atMost: 0 }])[0]!.kept).toBe(true)
  })

  test('a run in which nothing was accepted keeps no limit on times', () => {
    expect(judge([unsent], [{ figure: 'accept_p95_ms', atMost: 1e9 }])[0]!.kept).toBe(false)
  })

  test('a slower machine has longer times, and loses nothing all the same', () => {
    const limits = [
      { figure: 'accept_p95_ms', atMost: 2 },
      { figure: 'lost', atMost: 0 },
    ] as const
    expect(judge([fate(), lost], limits, 2).map(({ kept }) => kept)).toEqual([true, false])
  })
})

test('a report shows its figures and charts, and a page without scripts', () => {
  const scenario = findScenario('noisy-neighbour')
  const fates = Array.from({ length: 50 }, (_, i) => fate({ flow: 'quiet', dueMs: i * 100, acceptMs: i }))
  const run = { startedAt: '2026-01-01T00:00:00Z', machine: 'a <test>', cpu: { fairlead: 812.4 } }
  const report = reportOf(scenario, fates, judge(fates, scenario.limits), run)
  expect(report.figures.quiet).toMatchObject({ accept_p95_ms: 47, lost: 0 })
  expect(report.seconds).toHaveLength(5)
  const html = htmlOf(report)
  expect(html.match(/<polyline/g)).toHaveLength(6)
  expect(html).toContain('a &lt;test&gt;')
  expect(html).toContain('fairlead 812')
  expect(html).not.toContain('<script')
})

test('k6’s sink tells lost, repeated and late arrivals by flow', () => {
  const events = new Map([
    ['evt_1', { atMs: 50, count: 1 }],
    ['evt_2', { atMs: 90, count: 3 }],
  ])
  const counting = startCounting(events, 1_000)
  for (const event of ['evt_1', 'evt_2']) counting.accepted({ event, flow: 'all', sentAt: 1_040 })
  expect(counting.isWhole()).toBe(true)
  counting.accepted({ event: 'evt_3', flow: 'all', sentAt: 1_040 })
  expect(counting.isWhole()).toBe(false)
  expect(counting.report()).toEqual({ flows: { all: { lost: 1, repeated: 2, arrivalMs: [10, 50] } } })
})
