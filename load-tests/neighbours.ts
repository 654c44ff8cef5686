import type { Arrivals } from '@fairlead/testbed/load/arrivals'
import { openLoadSender, type Sent } from '@fairlead/testbed/load/sender'
import { loadSecret, type Subject } from '@fairlead/testbed/load/subject'
import { until } from '@fairlead/testbed/until'

/** Webhooks that many tenants get at one time, and how long those of some take to arrive. */
export interface Traffic {
  readonly subject: Subject
  /** Tenants whose destination is `arrivals`: they are measured. */
  readonly healthy: readonly string[]
  /** Tenants whose destination is in a bad mood at times. */
  readonly moody: readonly string[]
  readonly perTenantPerSecond: number
  readonly arrivals: Arrivals
}

export interface Flow {
  /** Of the healthy tenants alone. */
  readonly sent: readonly Sent[]
  /** Send to arrival in ms, of all that was accepted, in the order in which it was due. */
  readonly arrivalMs: readonly number[]
  /** The same, of what was due in the first 3 s: where a fault first hits. */
  readonly firstArrivalMs: readonly number[]
}

const firstMs = 3_000

/** Sends to all tenants for so long, waits for what the healthy ones are owed, and says how long it took. */
export async function flow(traffic: Traffic, seconds: number): Promise<Flow> {
  const { subject, healthy, moody, perTenantPerSecond, arrivals } = traffic
  const sent: Sent[] = []
  const startMs = performance.now()
  await using opened = new AsyncDisposableStack()
  // One sender for each kind: a hundred of them would keep the generator busier than what it measures.
  const load = async (names: readonly string[], tell: (one: Sent) => void): Promise<void> => {
    if (names.length === 0) return
    const url = names.map(name => subject.sourceUrl(name))
    const options = { url, secret: loadSecret, connections: 32, bodyBytes: 2048 }
    const sender = opened.use(await openLoadSender(options))
    await sender.atRate(perTenantPerSecond * names.length, seconds, tell)
  }
  await Promise.all([load(healthy, one => sent.push(one)), load(moody, () => {})])
  await until(() => sent.every(({ id }) => id === undefined || arrivals.events.has(id)), {
    deadlineMs: 120_000,
    everyMs: 20,
    what: 'the arrival of what healthy tenants were sent',
  })
  const arrived = sent
    .filter(({ id }) => id !== undefined)
    .map(({ id, dueMs }) => ({ dueMs, ms: arrivals.events.get(id!)!.atMs - dueMs }))
    .sort((a, b) => a.dueMs - b.dueMs)
  return {
    sent,
    arrivalMs: arrived.map(({ ms }) => ms),
    firstArrivalMs: arrived.filter(({ dueMs }) => dueMs < startMs + firstMs).map(({ ms }) => ms),
  }
}

/** One of the worker's gauges or counters, summed over its labels. */
export async function readMetric(subject: Subject, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${subject.settings.metricsPort}/metrics`)).text()
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))]
  return values.reduce((sum, [, value]) => sum + Number(value), 0)
}

/** Waits until nothing is parked and nothing is under way: what a bad mood has left behind is gone. */
export async function untilCalm(subject: Subject, deadlineMs = 300_000): Promise<void> {
  await until(
    async () =>
      (await readMetric(subject, 'fairlead_deliveries_waiting')) === 0 &&
      (await readMetric(subject, 'fairlead_worker_attempts_in_flight')) === 0,
    { deadlineMs, everyMs: 250, what: 'an empty park' },
  )
}
