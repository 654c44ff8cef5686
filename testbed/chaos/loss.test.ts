import { type Arrivals, openArrivals } from '@fairlead/load-tests/arrivals'
import { type LoadSender, openLoadSender, type Sent } from '@fairlead/load-tests/sender'
import { loadSecret, type Subject, startSubject } from '@fairlead/load-tests/subject'
import { expect, test } from 'vitest'
import { startTestPostgres } from '../postgres.ts'
import { withDatabase } from '../run.ts'
import { until } from '../until.ts'
import { compare, type Disturbance, describe as describeComparison, type LoggedStatus } from './compare.ts'
import { readLogByApi, readLogRows } from './read-log.ts'

/**
 * Everything that Fairlead stands on is killed under load; afterwards what was answered 2xx, what arrived and what the
 * log says are compared. The sink is never at fault here, so everything has to arrive.
 */

const organization = 'load'
const perSecond = 200
/** The machine may be busy with other tests: how long anything may take to come back. */
const patienceMs = 60_000

interface Scene {
  readonly subject: Subject
  readonly arrivals: Arrivals
  readonly sent: Sent[]
  readonly disturbances: Disturbance[]
}

/** Sends without pause while `disturb` does its worst; resolves when the last request has its answer. */
async function underLoad(scene: Scene, disturb: () => Promise<void>): Promise<void> {
  const { subject, sent } = scene
  const url = subject.sourceUrl(organization)
  await using sender: LoadSender = await openLoadSender({
    url,
    secret: loadSecret,
    connections: 64,
    bodyBytes: 2048,
  })
  const enough = new AbortController()
  const load = sender.atRate(perSecond, 3_600, one => sent.push(one), enough.signal)
  try {
    await untilFlowing(scene, performance.now())
    await disturb()
  } finally {
    enough.abort()
    await load
  }
}

/** Waits until webhooks that were sent after `sinceMs` are accepted and arrive. */
async function untilFlowing({ sent, arrivals }: Scene, sinceMs: number): Promise<void> {
  await until(
    () =>
      sent.filter(({ id, dueMs }) => dueMs > sinceMs && id !== undefined && arrivals.events.has(id)).length >=
      perSecond / 2,
    { deadlineMs: patienceMs, everyMs: 50, what: 'the flow of webhooks' },
  )
}

async function untilArrived({ sent, arrivals }: Scene): Promise<void> {
  await until(() => sent.every(({ id }) => id === undefined || arrivals.events.has(id)), {
    deadlineMs: patienceMs,
    everyMs: 50,
    what: 'the arrival of all that was accepted',
  }).catch(() => {}) // the comparison says which ones are missing
}

/** Waits until the log says `success` of all that was accepted, and gives it as it then is. */
async function untilLogged(
  { sent }: Scene,
  read: () => Promise<ReadonlyMap<string, LoggedStatus>>,
): Promise<ReadonlyMap<string, LoggedStatus>> {
  let log: ReadonlyMap<string, LoggedStatus> = new Map()
  await until(
    async () => {
      log = await read()
      return sent.every(({ id }) => id === undefined || log.get(id) === 'success')
    },
    { deadlineMs: patienceMs, everyMs: 500, what: 'a complete log' },
  ).catch(() => {})
  return log
}

function expectNothingLost(
  { sent, arrivals, disturbances }: Scene,
  log: ReadonlyMap<string, LoggedStatus>,
): void {
  const comparison = compare({ answers: sent, arrivals: arrivals.events, log, disturbances })
  console.log(describeComparison(comparison))
  expect(comparison).toMatchObject({ undelivered: [], unlogged: [], forgotten: [], unexplained: [] })
  const unfinished = sent.flatMap(({ id }) => (id !== undefined && log.get(id) !== 'success' ? [id] : []))
  expect(unfinished, 'events that arrived, but not by the log').toEqual([])
}

test('kill -9 of Fairlead, nats-server, PostgreSQL and Redis under 200 webhooks/s loses nothing', {
  timeout: 240_000,
}, async () => {
  await using arrivals = await openArrivals()
  const destinationUrl = `http://127.0.0.1:${arrivals.port}/hooks`
  await using subject = await startSubject([{ name: organization, destinationUrl }])
  const scene: Scene = { subject, arrivals, sent: [], disturbances: [] }

  await underLoad(scene, async () => {
    for (const victim of ['nats', 'postgres', 'redis', 'fairlead'] as const) {
      const pid = await subject.standalone.pidOf(victim)
      const startMs = performance.now()
      process.kill(pid, 'SIGKILL')
      // Fairlead's servers end with it; a server alone is started again by Fairlead.
      if (victim === 'fairlead') await subject.restart()
      else {
        await until(async () => (await subject.standalone.pidOf(victim)) !== pid, {
          deadlineMs: patienceMs,
          what: `a new ${victim}`,
        })
      }
      await untilFlowing(scene, performance.now())
      scene.disturbances.push({ name: `kill -9 ${victim}`, startMs, endMs: performance.now() })
    }
  })

  await untilArrived(scene)
  const log = await untilLogged(scene, () => readLogByApi(subject.settings, organization))
  expectNothingLost(scene, log)
  expect(scene.sent.length).toBeGreaterThan(4 * perSecond)
})

test('without PostgreSQL accepting and delivering go on, and the log catches up exactly', {
  timeout: 240_000,
}, async () => {
  const awayMs = 20_000
  await using arrivals = await openArrivals()
  await using postgres = await startTestPostgres()
  const destinationUrl = `http://127.0.0.1:${arrivals.port}/hooks`
  await using subject = await startSubject([{ name: organization, destinationUrl }], {
    FAIRLEAD_POSTGRES_URL: postgres.url,
  })
  const scene: Scene = { subject, arrivals, sent: [], disturbances: [] }

  await underLoad(scene, async () => {
    await postgres.kill9()
    const startMs = performance.now()
    await until(() => performance.now() - startMs > awayMs, { deadlineMs: 2 * awayMs, everyMs: 100 })
    // Requests of the last seconds may still be on their way.
    const meanwhile = scene.sent.filter(
      ({ dueMs }) => dueMs > startMs && dueMs < performance.now() - awayMs / 4,
    )
    expect(meanwhile.length).toBeGreaterThan((perSecond * awayMs) / 1000 / 4)
    expect(meanwhile.filter(({ id }) => id === undefined || !arrivals.events.has(id))).toEqual([])
    await postgres.restart()
    await untilFlowing(scene, performance.now())
    scene.disturbances.push({ name: 'kill -9 postgres', startMs, endMs: performance.now() })
  })

  await untilArrived(scene)
  const adminUrl = withDatabase(postgres.adminUrl, 'fairlead')
  const log = await untilLogged(scene, async () => (await readLogRows(adminUrl)).events)
  expectNothingLost(scene, log)
  expect((await readLogRows(adminUrl)).faults).toEqual([])
  expect([...arrivals.events.values()].filter(({ count }) => count > 1)).toEqual([])
})
