import { startTestKube, type TestKube } from '@fairlead/testbed/kube/api-server'
import { startSink } from '@fairlead/testbed/sink'
import { until } from '@fairlead/testbed/until'
import { sampleRequest } from '@fairlead/webhook/sample-request'
import { EventStatus } from '@fairlead/wire/store/event'
import { ReplayState } from '@fairlead/wire/store/replay'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startOperatorOn } from '../fixtures/operator.ts'
import { startTestPlatform, type TestPlatform } from '../fixtures/platform.ts'
import type { ReplayStatus } from '../replay/status-schema.ts'
import { crdFolder } from '../write-crds.ts'

/**
 * Features that depend on deliveries: Replays from `kubectl apply` to the destination, and the status of an Organization. A real
 * API server, a real store with PostgreSQL and nats-server, and a worker. Each test has a type of events for itself.
 */

vi.setConfig({ testTimeout: 240_000 })

const opened = new AsyncDisposableStack()
/** Shorter than usual: else a test would wait half a minute for a new status. */
const periods = { refreshMs: 500 }
let kube: TestKube
let platform: TestPlatform
let operator: Awaited<ReturnType<typeof startOperatorOn<TestPlatform>>>

beforeAll(async () => {
  ;[kube, platform] = await Promise.all([
    startTestKube({ crds: crdFolder }).then(started => opened.use(started)),
    startTestPlatform().then(started => opened.use(started)),
  ])
  operator = opened.use(await startOperatorOn(kube, platform, { periods }))
  await operator.apply('acme', {
    sources: [{ name: 'paypal', provider: 'paypal', options: { webhookId: 'WH-TEST' } }],
    destinations: [
      { name: 'billing', url: platform.sink.url, allowInsecureHttp: true },
      { name: 'books', url: platform.sink.url, allowInsecureHttp: true },
    ],
    routes: [{ source: 'paypal', destinations: ['billing'] }],
  })
  await until(async () => (await operator.reason('acme')) === 'Reconciled')
}, 240_000)
afterAll(() => opened.disposeAsync())

const apply = (name: string, spec: Record<string, unknown>) =>
  operator.applyReplay(name, { organization: 'acme', ...spec })

interface Read {
  readonly metadata: { readonly uid: string; readonly generation: number; readonly resourceVersion: string }
  readonly status?: ReplayStatus
}

const read = (name: string): Promise<Read> => operator.replay(name)

/** The status once it is in this phase, for the newest generation. */
const untilPhase = (
  name: string,
  phase: ReplayStatus['phase'],
  fits: (status: ReplayStatus) => boolean = () => true,
) =>
  until(
    async () => {
      const { metadata, status } = await read(name)
      const isNew = status?.observedGeneration === metadata.generation
      return isNew && status.phase === phase && fits(status) && status
    },
    { deadlineMs: 40_000, what: `${name} ${phase}` },
  )

/** Until so many Replays are in a phase, as an operator's metrics say. */
const untilCounted = (phase: ReplayStatus['phase'], count: number) =>
  until(async () =>
    (await operator.metric('fairlead_replays')).includes(`fairlead_replays{phase="${phase}"} ${count}`),
  )

const readyOf = ({ conditions }: ReplayStatus) => conditions.find(({ type }) => type === 'Ready')

/** Times that a Replay's deliveries arrived, by event. */
function arrivals(replayId: string | undefined): readonly string[] {
  const made = platform.sink.received.filter(({ headers }) => headers['fairlead-replay-id'] === replayId)
  return made.map(({ headers }) => String(headers['webhook-id'])).sort()
}

test('a dry run counts; begun, every event is delivered again, once', async () => {
  const ids = await platform.accept('acme', 'paypal', 'counted', 20)
  await apply('counted', { selector: { eventTypes: ['counted'] }, destinations: ['books'], dryRun: true })
  const counted = await untilPhase('counted', 'Counted')
  expect(counted).toMatchObject({ matched: 20, matchedEvents: 20, expired: 0 })
  expect(counted.replayId).toBeUndefined()
  await untilCounted('Counted', 1)
  expect(readyOf(counted)?.message).toContain('20 deliveries of 20 events would be made')
  await apply('counted', {
    selector: { eventTypes: ['counted'] },
    destinations: ['books'],
    ratePerSecond: 1000,
  })
  const completed = await untilPhase('counted', 'Completed', ({ delivered }) => delivered === 20)
  expect(completed).toMatchObject({ matched: 20, published: 20, failed: 0, skipped: 0, done: '100%' })
  await untilCounted('Completed', 1)
  await untilCounted('Counted', 0)
  expect(arrivals(completed.replayId)).toEqual([...ids].sort())
  expect(await operator.kubectl(['get', 'replays', 'counted'])).toMatch(
    /NAME +ORGANIZATION +PHASE +MATCHED +DONE +DELIVERED +FAILED +AGE\ncounted +acme +Completed +20 +100% +20 +0 +\d+s/,
  )
  // One Event for each transition, however often it was looked at.
  const events = async () => {
    const { items } = (await operator.events()) as {
      items: { reason: string; type: string; involvedObject: { name: string } }[]
    }
    const own = items.filter(({ involvedObject }) => involvedObject.name === 'counted')
    return own.map(({ reason, type }) => `${type} ${reason}`).filter(text => !text.endsWith('Running'))
  }
  await until(async () => (await events()).length >= 2)
  expect((await events()).sort()).toEqual(['Normal Completed', 'Normal Counted'])
  await operator.kubectl(['wait', '--for=condition=Complete', 'replay/counted', '--timeout=120s'])
  // Its state is final: the status is not written again.
  const { resourceVersion } = (await read('counted')).metadata
  await operator.kubectl(['annotate', 'replay', 'counted', 'looked-at=again'])
  expect((await read('counted')).status).toEqual(completed)
  expect(resourceVersion).not.toBe('')
})

test('paused, nothing more is handed over; resumed, the rest is; each once', async () => {
  const ids = await platform.accept('acme', 'paypal', 'paused', 120)
  // Ten seconds and more lie between the tenth delivery and the last one: time to pause it, also on a slow machine.
  const spec = { selector: { eventTypes: ['paused'] }, ratePerSecond: 10 }
  await apply('paused', spec)
  const { replayId } = await untilPhase('paused', 'Running')
  await until(() => arrivals(replayId).length >= 10)
  await apply('paused', { ...spec, paused: true })
  await untilPhase('paused', 'Paused')
  const stored = () => platform.findReplays('acme').then(all => all.find(({ id }) => id === replayId)!)
  // What was in hand goes on; then nothing does.
  const held = await until(
    async () => {
      const { delivered, published } = await stored()
      return delivered === published && published
    },
    { everyMs: 100, what: 'the end of what was in hand' },
  )
  expect(held).toBeLessThan(120n)
  // Long enough for many pages.
  await expect(
    until(async () => (await stored()).published > held, { deadlineMs: 1_000, everyMs: 100 }),
  ).rejects.toThrow()
  await apply('paused', spec)
  await untilPhase('paused', 'Completed', ({ delivered }) => delivered === 120)
  expect(arrivals(replayId)).toEqual([...ids].sort())
})

test('made paused, it is counted and begins when it is resumed', async () => {
  await platform.accept('acme', 'paypal', 'later', 5)
  const spec = { selector: { eventTypes: ['later'] } }
  await apply('later', { ...spec, paused: true })
  expect(await untilPhase('later', 'Paused')).toMatchObject({ matched: 5 })
  expect((await read('later')).status?.replayId).toBeUndefined()
  await apply('later', spec)
  await untilPhase('later', 'Completed', ({ delivered }) => delivered === 5)
})

test('deleted, it is cancelled', async () => {
  await platform.accept('acme', 'paypal', 'cancelled', 100)
  await apply('cancelled', { selector: { eventTypes: ['cancelled'] }, ratePerSecond: 2 })
  const { replayId } = await untilPhase('cancelled', 'Running')
  await until(() => arrivals(replayId).length > 0)
  await operator.kubectl(['delete', 'replay', 'cancelled', '--timeout=120s'])
  const stored = (await platform.findReplays('acme')).find(({ id }) => id === replayId)
  expect(stored?.state).toBe(ReplayState.CANCELLED)
  expect(stored?.published).toBeLessThan(100n)
})

test('its time after it finished over, the resource goes', async () => {
  await platform.accept('acme', 'paypal', 'short', 1)
  await apply('short', { selector: { eventTypes: ['short'] }, ttlSecondsAfterFinished: 2 })
  // Its phase `Completed` is to be seen for two seconds alone, which a slow machine may miss.
  await operator.kubectl(['wait', '--for=delete', 'replay/short', '--timeout=120s'])
  expect(await platform.findReplays('acme')).toContainEqual(
    expect.objectContaining({
      state: ReplayState.COMPLETED,
      selector: expect.objectContaining({ types: ['short'] }),
    }),
  )
  await apply('dry', { selector: { eventTypes: ['short'] }, dryRun: true, ttlSecondsAfterFinished: 1 })
  await operator.kubectl(['wait', '--for=delete', 'replay/dry', '--timeout=120s'])
})

test('an Organization or a destination that is not there is said, and waited for', async () => {
  await apply('nowhere', { destinations: ['biling'] })
  const status = await untilPhase('nowhere', 'Pending')
  expect(readyOf(status)).toMatchObject({
    status: 'False',
    reason: 'DestinationMissing',
    message: 'the Organization has no destination biling: there are billing, books',
  })
  await apply('early', { organization: 'globex', dryRun: true })
  expect(readyOf(await untilPhase('early', 'Pending'))?.reason).toBe('OrganizationMissing')
  await operator.apply('globex', {})
  expect(await untilPhase('early', 'Counted')).toMatchObject({ matched: 0 })
})

test('the operator is gone in the middle: the Replay goes on, and is the same one afterwards', async () => {
  const ids = await platform.accept('acme', 'paypal', 'restart', 60)
  await apply('restart', { selector: { eventTypes: ['restart'] }, ratePerSecond: 6 })
  const { replayId } = await untilPhase('restart', 'Running')
  await operator.stop()
  // As an operator leaves it that was killed after it made the Replay and before it said so.
  const status = { observedGeneration: 1, conditions: [], phase: 'Pending' }
  await operator.kubectl([
    ...['patch', 'replay', 'restart', '--subresource=status', '--type=json', '-p'],
    JSON.stringify([{ op: 'replace', path: '/status', value: status }]),
  ])
  operator = opened.use(await startOperatorOn(kube, platform, { namespace: operator.namespace, periods }))
  const completed = await untilPhase('restart', 'Completed', ({ delivered }) => delivered === 60)
  expect(completed.replayId).toBe(replayId)
  expect(arrivals(replayId)).toEqual([...ids].sort())
  const { uid } = (await read('restart')).metadata
  const made = (await platform.findReplays('acme')).filter(({ createdBy }) => createdBy.includes(uid))
  expect(made).toHaveLength(1)
})

test('deleted while no operator knew its id, it is cancelled all the same', async () => {
  await platform.accept('acme', 'paypal', 'unknown', 100)
  await apply('unknown', { selector: { eventTypes: ['unknown'] }, ratePerSecond: 1 })
  const { replayId } = await untilPhase('unknown', 'Running')
  await operator.stop()
  const status = { observedGeneration: 1, conditions: [], phase: 'Pending' }
  await operator.kubectl([
    ...['patch', 'replay', 'unknown', '--subresource=status', '--type=json', '-p'],
    JSON.stringify([{ op: 'replace', path: '/status', value: status }]),
  ])
  await operator.kubectl(['delete', 'replay', 'unknown', '--wait=false'])
  operator = opened.use(await startOperatorOn(kube, platform, { namespace: operator.namespace, periods }))
  await operator.kubectl(['wait', '--for=delete', 'replay/unknown', '--timeout=120s'])
  const stored = (await platform.findReplays('acme')).find(({ id }) => id === replayId)
  expect(stored?.state).toBe(ReplayState.CANCELLED)
})

test('while the store is away it says so, and goes on by itself', async () => {
  await platform.accept('acme', 'paypal', 'away', 3)
  platform.cutStore()
  await apply('away', { selector: { eventTypes: ['away'] } })
  const status = await untilPhase('away', 'Pending')
  expect(readyOf(status)).toMatchObject({ status: 'False', reason: 'StoreUnavailable' })
  // One that is over needs no store to go.
  await operator.kubectl(['delete', 'replay', 'counted', '--timeout=120s'])
  platform.healStore()
  await untilPhase('away', 'Completed', ({ delivered }) => delivered === 3)
})

test('the status of an Organization tells how its sources, secrets and destinations do', async () => {
  const failing = opened.use(await startSink({ status: 503 }))
  await operator.applySecret('globex', { old: 'test-old', new: 'test-new' })
  const secretRef = (key: string) => ({ secretRef: { name: 'globex', key } })
  await operator.apply('telling', {
    sources: [{ name: 'github', provider: 'github', secrets: [secretRef('old'), secretRef('new')] }],
    destinations: [
      { name: 'billing', url: platform.sink.url, allowInsecureHttp: true },
      { name: 'broken', url: failing.url, allowInsecureHttp: true, retry: { delaysSeconds: [3600] } },
      { name: 'later', url: platform.sink.url, allowInsecureHttp: true, paused: true },
    ],
    routes: [
      { source: 'github', destinations: ['billing'] },
      { source: 'github', eventTypes: ['ill'], destinations: ['broken'] },
    ],
  })
  await until(async () => (await operator.reason('telling')) === 'Reconciled')
  await platform.accept('telling', 'github', 'old', 1, { secret: 'globex/old', daysAgo: 4 })
  await platform.accept('telling', 'github', 'new', 1, { secret: 'globex/new' })
  await platform.accept('telling', 'github', 'ill', 3, { status: EventStatus.PROCESSING })
  const status = await until(
    async () => {
      const found = (await operator.get('telling')).status
      return found?.waiting === 3 && found.destinations?.[1]?.state === 'Failing' && found
    },
    { deadlineMs: 40_000, everyMs: 100, what: 'a status that knows what waits' },
  )
  expect(status).toMatchObject({
    summary: { sources: '1/1', destinations: '2/3' },
    lastEventAt: expect.stringMatching(/:00Z$/),
    sources: [
      {
        secrets: [
          { id: 'globex/old', message: 'has not matched for 4 days: safe to remove' },
          { id: 'globex/new', lastMatchedAt: expect.any(String) },
        ],
      },
    ],
    destinations: [
      { name: 'billing', state: 'Healthy', waiting: 0, deadLetters: 0 },
      { name: 'broken', state: 'Failing', waiting: 3, lastError: '503' },
      { name: 'later', state: 'Paused', pauseReason: 'Declared', waiting: 0 },
    ],
  })
  const conditions = Object.fromEntries(status.conditions.map(({ type, ...rest }) => [type, rest]))
  expect(conditions.Ready).toMatchObject({ status: 'True', reason: 'Reconciled' })
  expect(conditions.DestinationsHealthy).toMatchObject({ status: 'False', reason: 'Failing' })
  expect(conditions.DestinationsHealthy?.message).toContain('broken: 503')
  expect(conditions.SecretsResolved?.message).toBe(
    'source github: globex/old has not matched for 4 days: safe to remove',
  )
  expect(await operator.kubectl(['get', 'orgs', 'telling'])).toMatch(
    /NAME +READY +SOURCES +DESTINATIONS +WAITING +BUDGET +LAST EVENT +AGE\ntelling +True +1\/1 +2\/3 +3 +\S+ +\d+s/,
  )
})

test('a source that swallows new events as repeats says so in its Organization, with what to do', async () => {
  await operator.applySecret('swallowing', { github: 'test-only-github' })
  await operator.apply('swallowing', {
    sources: [
      {
        name: 'github',
        provider: 'github',
        secrets: [{ secretRef: { name: 'swallowing', key: 'github' } }],
      },
    ],
    destinations: [{ name: 'billing', url: platform.sink.url, allowInsecureHttp: true }],
    routes: [{ source: 'github', destinations: ['billing'] }],
  })
  await until(async () => (await operator.reason('swallowing')) === 'Reconciled')
  const receiver = opened.use(await platform.startReceiver())
  const post = async (delivery: string, n: number) => {
    const body = JSON.stringify({ n })
    const options = { secret: 'test-only-github', nowMs: 0, random: Math.random, body }
    const headers = { ...sampleRequest('github', options).headers, 'x-github-delivery': delivery }
    const url = `${receiver.url}/webhooks/swallowing/github`
    const response = await fetch(url, { method: 'POST', headers: headers as Record<string, string>, body })
    return response.ok ? ((await response.json()) as { duplicate: boolean }).duplicate : undefined
  }
  const reason = () => operator.reason('swallowing', 'SourcesHealthy')
  const counted = async () => {
    const { organizations, sources } = platform.store.client
    const { organization } = await organizations.getOrganization({
      by: { case: 'slug', value: 'swallowing' },
    })
    return (await sources.listSources({ organizationId: organization!.id })).sources[0]!.lastHour!
  }
  await until(async () => (await post('first', 0)) === false, { what: 'a receiver that knows the source' })
  // 41 new ones: nine that differ are few, ten less than a fifth, and the eleventh is the first too many.
  for (let n = 1; n <= 40; n++) expect(await post(`other ${n}`, n)).toBe(false)
  const swallow = async (upTo: bigint) => {
    for (let n = (await counted()).differing; n < upTo; n++) {
      expect(await post('first', 100 + Number(n))).toBe(true)
    }
    await until(async () => (await counted()).differing === upTo, { what: 'the repeats in the log' })
  }
  await swallow(10n)
  expect((await counted()).swallowing).toBe(false)
  expect(await reason()).toBe('Healthy')
  await swallow(11n)
  await until(async () => (await reason()) === 'RepeatsDiffer', { what: 'the condition' })
  const { status } = await operator.get('swallowing')
  const condition = status!.conditions.find(({ type }) => type === 'SourcesHealthy')
  expect(condition).toMatchObject({
    status: 'False',
    message:
      'github: 11 of 52 requests of the last hour had the id of an event and another body, and were not delivered: ' +
      'fairlead rejections --source github, or deduplicate: false',
  })
})
