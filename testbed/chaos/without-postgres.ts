import { openArrivals } from '@fairlead/testbed/load/arrivals'
import { startSubject } from '@fairlead/testbed/load/subject'
import { expect } from 'vitest'
import { startTestPostgres } from '../postgres.ts'
import { withDatabase } from '../run.ts'
import { until } from '../until.ts'
import { compare, describe as describeComparison } from './compare.ts'
import { type Load, patienceMs, underLoad, untilArrived, untilFlowing, untilLogged } from './load.ts'
import { readLogRows } from './read-log.ts'

/**
 * PostgreSQL is killed and stays away while webhooks come in: all of them are accepted and delivered meanwhile, none
 * twice, and afterwards the log has each of them once.
 */
export async function withoutPostgres(awayMs: number): Promise<void> {
  await using arrivals = await openArrivals()
  await using postgres = await startTestPostgres()
  const destinationUrl = `http://127.0.0.1:${arrivals.port}/hooks`
  await using subject = await startSubject([{ name: 'load', destinationUrl }], {
    FAIRLEAD_POSTGRES_URL: postgres.url,
  })
  const url = subject.sourceUrl('load')
  const load: Load = { url, perSecond: 200, arrivals, sent: [], disturbances: [] }

  await underLoad(load, async () => {
    await postgres.kill9()
    const startMs = performance.now()
    await until(() => performance.now() - startMs > awayMs, { deadlineMs: 2 * awayMs, everyMs: 100 })
    const meanwhile = load.sent.filter(({ dueMs }) => dueMs > startMs)
    expect(meanwhile.length).toBeGreaterThan((load.perSecond * awayMs) / 1000 / 8)
    // What was answered a moment ago may still be on its way.
    const notDone = () => meanwhile.filter(({ id }) => id === undefined || !arrivals.events.has(id))
    await until(() => notDone().length === 0, { deadlineMs: patienceMs }).catch(() => {})
    expect(notDone(), `Fairlead printed last:\n${subject.standalone.output.slice(-4_000)}`).toEqual([])
    await postgres.restart()
    await untilFlowing(load, performance.now())
    load.disturbances.push({
      name: 'kill -9 postgres',
      startMs,
      endMs: performance.now(),
      hitsDelivery: false,
    })
  })

  await untilArrived(load)
  const adminUrl = withDatabase(postgres.adminUrl, 'fairlead')
  const log = await untilLogged(load, async () => (await readLogRows(adminUrl)).events)
  const { sent, disturbances } = load
  const comparison = compare({ answers: sent, arrivals: arrivals.events, log, disturbances })
  console.log(describeComparison(comparison))
  expect(comparison).toMatchObject({ undelivered: [], unlogged: [], forgotten: [], unexplained: [] })
  expect([...log.values()].filter(status => status !== 'success')).toEqual([])
  expect((await readLogRows(adminUrl)).faults).toEqual([])
  expect([...arrivals.events.values()].filter(({ count }) => count > 1)).toEqual([])
}
