import { openArrivals } from '@fairlead/testbed/load/arrivals'
import { expect, test } from 'vitest'
import { checkOutBefore } from '../checkout.ts'
import { compare, describe as describeComparison } from './compare.ts'
import { type Load, underLoad, untilArrived, untilFlowing, untilLogged } from './load.ts'
import { sourceUrlAt, startPlatform, untilKnown } from './platform.ts'
import { readLogRows } from './read-log.ts'

const deployed = ['store', 'worker', 'receiver'].flatMap(service => [
  `services/${service}/config.ts`,
  `services/${service}/run.ts`,
])

/**
 * A rolling update under load: the commit before the last change of what processes tell each other, and this one, on the
 * same streams and the same (newest) schema; then this one alone.
 */
test('the version before and this one share the streams and lose nothing', { timeout: 240_000 }, async () => {
  await using before = await checkOutBefore('packages/wire', deployed)
  await using arrivals = await openArrivals()
  await using platform = await startPlatform({
    natsServers: 1,
    sinkPort: arrivals.port,
    retryDelaysSeconds: [1, 2, 4, 8],
    checkout: before.path,
  })
  const loadOn = (url: string): Load => ({ url, perSecond: 50, arrivals, sent: [], disturbances: [] })
  const old = loadOn(platform.sourceUrl)
  const startMs = performance.now()
  let now: Load | undefined

  await underLoad(old, async () => {
    await platform.startBeside('worker', undefined)
    await platform.startBeside('store', undefined)
    const receiver = await platform.startBeside('receiver', undefined)
    now = loadOn(sourceUrlAt(receiver.port))
    await untilKnown(now.url)
    const beside = now
    await underLoad(beside, async () => {
      await untilFlowing(old, performance.now())
      for (const name of ['worker-1', 'worker-2', 'store']) await platform.processes[name]!.stop()
      await Promise.all([untilFlowing(old, performance.now()), untilFlowing(beside, performance.now())])
    })
  })

  const both: Load = { ...old, sent: [...old.sent, ...now!.sent] }
  await untilArrived(both)
  const log = await untilLogged(both, async () => (await readLogRows(platform.adminUrl)).events)
  const update = { name: 'the update', startMs, endMs: performance.now(), hitsDelivery: true }
  const comparison = compare({
    answers: both.sent,
    arrivals: arrivals.events,
    log,
    disturbances: [update],
  })
  console.log(`  beside ${before.commit.slice(0, 10)}\n${describeComparison(comparison)}`)
  expect(comparison).toMatchObject({ refused: 0, undelivered: [], unlogged: [], forgotten: [] })
  expect([...log.values()].filter(status => status !== 'success')).toEqual([])
  expect((await readLogRows(platform.adminUrl)).faults).toEqual([])
})
