import type { Arrivals } from '@fairlead/testbed/load/arrivals'
import { openLoadSender, type Sent } from '@fairlead/testbed/load/sender'
import { loadSecret } from '@fairlead/testbed/load/subject'
import { until } from '../until.ts'
import type { Disturbance, LoggedStatus } from './compare.ts'

/** Sends webhooks without pause while things are broken, and records each answer. */
export interface Load {
  /** The receiver's URL of the source. */
  readonly url: string
  readonly perSecond: number
  readonly arrivals: Arrivals
  readonly sent: Sent[]
  readonly disturbances: Disturbance[]
}

/** The machine may be busy with other tests: how long anything may take to come back, ms. */
export const patienceMs = 120_000

/** Sends while `disturb` does its worst; resolves when the last request has its answer. */
export async function underLoad(load: Load, disturb: () => Promise<void>): Promise<void> {
  const { url, perSecond, sent } = load
  // As many as may hang for the time-out of a publish, so that the rate is kept up meanwhile.
  const connections = perSecond * 6
  await using sender = await openLoadSender({ url, secret: loadSecret, connections, bodyBytes: 2048 })
  const enough = new AbortController()
  const sending = sender.atRate(perSecond, 3_600, one => sent.push(one), enough.signal)
  try {
    await untilFlowing(load, performance.now())
    await disturb()
  } finally {
    enough.abort()
    await sending
  }
}

/** Waits until webhooks that were sent after `sinceMs` are accepted and arrive. */
export async function untilFlowing({ sent, arrivals, perSecond }: Load, sinceMs: number): Promise<void> {
  await until(
    () =>
      sent.filter(({ id, dueMs }) => dueMs > sinceMs && id !== undefined && arrivals.events.has(id)).length >=
      perSecond / 2,
    { deadlineMs: patienceMs, everyMs: 50, what: 'the flow of webhooks' },
  )
}

/** Waits until all that was accepted has arrived; in vain, if something is lost: the comparison then says what. */
export async function untilArrived({ sent, arrivals }: Load, deadlineMs = patienceMs): Promise<void> {
  await until(() => sent.every(({ id }) => id === undefined || arrivals.events.has(id)), {
    deadlineMs,
    everyMs: 50,
    what: 'the arrival of all that was accepted',
  }).catch(() => {})
}

/**
 * Waits until the log knows all that was accepted and says of every event that it has ended, and gives the log as it
 * then is. In vain, if something is lost.
 */
export async function untilLogged(
  { sent }: Load,
  read: () => Promise<ReadonlyMap<string, LoggedStatus>>,
  deadlineMs = patienceMs,
): Promise<ReadonlyMap<string, LoggedStatus>> {
  let log: ReadonlyMap<string, LoggedStatus> = new Map()
  await until(
    async () => {
      log = await read()
      const ended = [...log.values()].every(status => status === 'success' || status === 'failed')
      return ended && sent.every(({ id }) => id === undefined || log.has(id))
    },
    { deadlineMs, everyMs: 500, what: 'a complete log' },
  ).catch(() => {})
  return log
}
