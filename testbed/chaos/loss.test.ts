import { openArrivals } from '@fairlead/testbed/load/arrivals'
import { startSubject } from '@fairlead/testbed/load/subject'
import { expect, test } from 'vitest'
import { until } from '../until.ts'
import { compare, describe as describeComparison, type LoggedStatus } from './compare.ts'
import { type Load, patienceMs, underLoad, untilArrived, untilFlowing, untilLogged } from './load.ts'
import { readLogByApi } from './read-log.ts'
import { withoutPostgres } from './without-postgres.ts'

/**
 * Everything that Fairlead stands on is killed under load; afterwards what was answered 2xx, what arrived and what the
 * log says are compared. The sink is never at fault here, so everything has to arrive.
 */

const organization = 'load'

test('kill -9 of Fairlead, nats-server, PostgreSQL and Redis under 200 webhooks/s loses nothing', {
  timeout: 480_000,
}, async () => {
  await using arrivals = await openArrivals()
  const destinationUrl = `http://127.0.0.1:${arrivals.port}/hooks`
  await using subject = await startSubject([{ name: organization, destinationUrl }])
  const url = subject.sourceUrl(organization)
  const load: Load = { url, perSecond: 200, arrivals, sent: [], disturbances: [] }

  await underLoad(load, async () => {
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
      await untilFlowing(load, performance.now())
      load.disturbances.push({
        name: `kill -9 ${victim}`,
        startMs,
        endMs: performance.now(),
        hitsDelivery: victim === 'nats' || victim === 'fairlead',
      })
    }
  })

  await untilArrived(load)
  const log = await untilLogged(load, () => readLogByApi(subject.settings, organization))
  expectNothingLost(load, log)
  expect(load.sent.length).toBeGreaterThan(4 * load.perSecond)
})

test(
  'without PostgreSQL accepting and delivering go on, and the log catches up exactly',
  {
    timeout: 480_000,
  },
  () => withoutPostgres(10_000),
)

function expectNothingLost(load: Load, log: ReadonlyMap<string, LoggedStatus>): void {
  const { sent, arrivals, disturbances } = load
  const comparison = compare({ answers: sent, arrivals: arrivals.events, log, disturbances })
  console.log(describeComparison(comparison))
  expect(comparison).toMatchObject({ undelivered: [], unlogged: [], forgotten: [], unexplained: [] })
  const unfinished = [...log].flatMap(([id, status]) => (status !== 'success' ? [id] : []))
  expect(unfinished, 'events that arrived, but not by the log').toEqual([])
}
