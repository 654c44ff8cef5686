import { until } from '@fairlead/testbed/until'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allAlerts } from './alerts/all.ts'
import { type Fault, faults, faultsOfCluster, lasting, notFired } from './fixtures/faults.ts'
import { startOperatorAlone } from './fixtures/operator-alone.ts'
import { factor, startTwoInstallations, type TwoInstallations } from './fixtures/two-installations.ts'

/*
 * Alerts fired for real: parts are killed, frozen and filled, while a real Prometheus scrapes two installations. Windows and waits
 * of the rules are 60 times shorter than in production; thresholds are not.
 */

const seconds = (ms: number) => (ms / 1_000).toFixed(1)
/** Alert, fault, seconds until it fired, and until it was over. */
const note = (line: string) => console.log(`windows 1/${factor}: ${line}`)

/** Alerts that wake somebody. */
const critical = new Set<string>(
  allAlerts.filter(({ severity }) => severity === 'critical').map(({ name }) => name),
)
const replayStuck = 'FairleadReplayStuck'

test('each alert is fired below, or is named as one that is not', () => {
  const fired = [...faults, ...faultsOfCluster].flatMap(({ alerts }) => alerts)
  const named = [...fired, replayStuck, ...lasting, ...notFired]
  expect(named.toSorted()).toEqual(allAlerts.map(({ name }) => name).toSorted())
})

describe('an installation with one nats-server', () => {
  const fired = firedIn(1, faults)

  test.each(lasting)('%s fired by what was done before', async alert => {
    const { on, begun } = fired()
    const firstMs = await until(() => on.firstFired(alert), { deadlineMs: 60_000, what: `${alert} to fire` })
    const first = { what: 'the start', atMs: firstMs }
    const { what, atMs } = begun.findLast(({ atMs }) => atMs < firstMs) ?? first
    note(`${alert} (${what}): ${seconds(firstMs - atMs)} / –`)
  })
})

describe('an installation with three nats-servers', () => {
  firedIn(3, faultsOfCluster)
})

test(`${replayStuck} fires when a Replay names an Organization that does not exist, and ends with it`, async () => {
  await using on = await startOperatorAlone(factor)
  const startMs = Date.now()
  await on.applyReplay('lost', { organization: 'nobody' })
  const fires = async () => (await on.firing(replayStuck)).length > 0
  await until(fires, { deadlineMs: 120_000, everyMs: 250, what: `${replayStuck} to fire` })
  const firedMs = Date.now()
  await on.deleteReplay('lost')
  const isOver = async () => !(await fires())
  await until(isOver, { deadlineMs: 120_000, everyMs: 250, what: `${replayStuck} to be over` })
  note(`${replayStuck}: ${seconds(firedMs - startMs)} / ${seconds(Date.now() - firedMs)}`)
}, 600_000)

/** A test of each fault. @returns the installations, and when which fault began */
function firedIn(natsServers: 1 | 3, list: readonly Fault[]) {
  let on: TwoInstallations
  const begun: { readonly what: string; readonly atMs: number }[] = []
  beforeAll(async () => {
    on = await startTwoInstallations(natsServers)
  }, 600_000)
  afterAll(() => on?.[Symbol.asyncDispose](), 120_000)

  test.each(list)(
    '$alerts name their installation when $what, and the other one is quiet',
    {
      timeout: 900_000,
    },
    async ({ what, alerts, ofTenant, inflict }) => {
      await untilFiring(on, ofTenant ? [...alerts, ...critical] : alerts, false)
      const startMs = Date.now()
      begun.push({ what, atMs: startMs })
      const mend = await inflict(on)
      const firedMs = await untilFiring(on, alerts, true).catch(async (error: unknown) => {
        // Else it would be among the faults that follow.
        await mend?.()
        throw error
      })
      const [ofOther, besides] = [await on.firing('well'), await on.firing('broken')]
      await mend?.()
      const mendedMs = Date.now()
      expect(alerts.filter(alert => ofOther.has(alert))).toEqual([])
      if (ofTenant) expect([...besides].filter(alert => critical.has(alert))).toEqual([])
      const overMs = mend && (await untilFiring(on, alerts, false))
      for (const alert of alerts) {
        const over = overMs ? seconds(overMs.get(alert)! - mendedMs) : '–'
        note(`${alert} (${what}): ${seconds(firedMs.get(alert)! - startMs)} / ${over}`)
      }
    },
  )
  return () => ({ on, begun })
}

/** Waits until each of the alerts has fired once, or all are quiet. @returns when, by alert, Unix ms */
async function untilFiring(
  on: TwoInstallations,
  alerts: readonly string[],
  fire: boolean,
): Promise<ReadonlyMap<string, number>> {
  const seen = new Map<string, number>()
  const look = async () => {
    const firing = await on.firing('broken')
    for (const alert of alerts) {
      if (firing.has(alert) !== fire) {
        // Quiet are all of them at one time.
        if (!fire) seen.delete(alert)
      } else if (!seen.has(alert)) seen.set(alert, Date.now())
    }
    return seen.size === alerts.length
  }
  await until(look, { deadlineMs: 300_000, everyMs: 250, what: 'all alerts' }).catch((cause: Error) => {
    const lacking = alerts.filter(alert => !seen.has(alert)).join(', ')
    throw new Error(`${lacking}: ${fire ? 'silent' : 'firing'} for five minutes`, { cause })
  })
  return seen
}
