import { join } from 'node:path'
import { openArrivals } from '@fairlead/testbed/load/arrivals'
import { expect, test } from 'vitest'
import { compare, describe as describeComparison } from './compare.ts'
import { inflict, targetsOf } from './inflict.ts'
import { type Load, underLoad, untilArrived, untilFlowing, untilLogged } from './load.ts'
import { type Platform, startPlatform } from './platform.ts'
import { readLogRows } from './read-log.ts'
import { planFaults } from './schedule.ts'

/**
 * A random schedule of faults over all processes, links and disks, under load. What was answered 2xx must be stored, and
 * what is stored must be delivered, or dead, in the end.
 *
 * - FAIRLEAD_CHAOS_SEED replays a run; default: a new seed, which is printed.
 * - FAIRLEAD_CHAOS_SECONDS, default 90: how long faults begin.
 * - FAIRLEAD_CHAOS_LOGS: a folder that gets the logs of all processes and servers when a run fails; default: none.
 */
const seed = Number(process.env.FAIRLEAD_CHAOS_SEED ?? Math.floor(Math.random() * 1e9))
const seconds = Number(process.env.FAIRLEAD_CHAOS_SECONDS ?? 90)
const logsFolder = process.env.FAIRLEAD_CHAOS_LOGS
/** Retries within reach: a sink that is cut off for seconds must not kill deliveries. */
const retryDelaysSeconds = [1, 2, 4, 8, 8, 8, 8, 8, 8, 8]
/** The longest retry and the longest pause of a breaker, 10 s each, on a machine with other work. */
const settleMs = 60_000

test.each([1, 3] as const)(`nothing is lost on %i nats-server (seed ${seed})`, async natsServers => {
  await using arrivals = await openArrivals()
  await using platform = await startPlatform({ natsServers, sinkPort: arrivals.port, retryDelaysSeconds })
  const load: Load = { url: platform.sourceUrl, perSecond: 100, arrivals, sent: [], disturbances: [] }
  const targets = targetsOf(platform)
  console.log(`seed ${seed}, ${seconds} s, nats-servers: ${natsServers}; ${Object.keys(targets).join(', ')}`)
  if (Object.keys(platform.disks).length === 0) console.log('  no disk is filled: mounting one needs root')

  try {
    await breakAndCompare(load, platform)
  } catch (error) {
    if (logsFolder) await platform.keepLogs(join(logsFolder, `${seed}-${natsServers}`))
    throw error
  }
})

async function breakAndCompare(load: Load, platform: Platform): Promise<void> {
  await underLoad(load, async () => {
    load.disturbances.push(
      ...(await inflict(planFaults(seed, targetsOf(platform), seconds * 1000), platform)),
    )
    await untilFlowing(load, performance.now())
  })

  await untilArrived(load, settleMs)
  const log = await untilLogged(load, async () => (await readLogRows(platform.adminUrl)).events, settleMs)
  const { sent, arrivals, disturbances } = load
  const comparison = compare({ answers: sent, arrivals: arrivals.events, log, disturbances })
  console.log(describeComparison(comparison))
  const standing = Object.groupBy(log.values(), status => status)
  const count = (status: keyof typeof standing) => standing[status]?.length ?? 0
  console.log(
    `  log: ${count('success')} delivered, ${count('failed')} dead, ${count('processing')} waiting, ${count('pending')} not matched`,
  )
  expect(comparison.accepted).toBeGreaterThan(load.perSecond)
  expect(comparison).toMatchObject({ unlogged: [], forgotten: [], unexplained: [] })
  const { dead, faults } = await readLogRows(platform.adminUrl)
  expect(faults).toEqual([])
  // The destination is there again before the last retry, so none may die of anything; it says what of.
  expect(Object.fromEntries(dead)).toEqual({})
  expect(count('processing') + count('pending')).toBe(0)
}
