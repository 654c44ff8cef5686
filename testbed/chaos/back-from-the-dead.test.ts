import { openLoadSender, type Sent } from '@fairlead/testbed/load/sender'
import { loadSecret, startSubject } from '@fairlead/testbed/load/subject'
import { expect, test } from 'vitest'
import { crowding } from '../crowding.ts'
import { startSink } from '../sink.ts'
import { until } from '../until.ts'

/** How late the last delivery may be: three times the promise, which a quiet machine keeps; what it was is printed. */
const latestMs = 30_000
const retrySeconds = 10
/** Retries are spread by a fifth. */
const longestRetryMs = retrySeconds * 1.2 * 1000

test('deliveries to a destination that hung arrive soon after they are due, though everything was killed', {
  timeout: 240_000,
}, async () => {
  await using sink = await startSink({ hang: true })
  const destinationUrl = `${sink.url}/hooks`
  await using subject = await startSubject([
    {
      name: 'load',
      destinationUrl,
      timeoutSeconds: 3,
      retryDelaysSeconds: Array.from({ length: 10 }, () => retrySeconds),
    },
  ])
  const sent: Sent[] = []
  await using sender = await openLoadSender({
    url: subject.sourceUrl('load'),
    secret: loadSecret,
    connections: 32,
    bodyBytes: 1024,
  })
  await sender.atRate(400, 5, one => sent.push(one))
  const accepted = sent.flatMap(({ id }) => id ?? [])
  expect(accepted).toHaveLength(2_000)

  // Some have failed and wait for their time, the others are parked behind them.
  await until(async () => (await timeouts(subject.settings.metricsPort)) >= 20, {
    deadlineMs: 60_000,
    everyMs: 100,
    what: 'attempts that timed out',
  })
  const killed = await subject.pids()
  const killedAt = Date.now()
  for (const pid of Object.values(killed)) kill(pid)
  sink.answer({ status: 200 })
  const well = sink.received.length
  await subject.restart()
  const readyAt = Date.now()

  const arrivals = () => sink.received.slice(well).map(({ headers }) => headers['webhook-id'])
  await until(
    () => {
      const arrived = new Set(arrivals())
      return accepted.every(id => arrived.has(id))
    },
    { deadlineMs: 120_000, everyMs: 50, what: 'the arrival of all 2,000' },
  )
  const dueAt = Math.max(readyAt, killedAt + longestRetryMs)
  const lastAt = Math.max(...firstArrivals(sink.received.slice(well)).values())
  console.log(
    `  ready ${readyAt - killedAt} ms after the kill; the last of 2,000 came ${lastAt - readyAt} ms after that, ` +
      `${lastAt - dueAt} ms after the last was due; ${arrivals().length - 2_000} repeats`,
  )
  expect(lastAt - dueAt).toBeLessThan(latestMs * crowding())
})

function firstArrivals(
  received: readonly { headers: Record<string, unknown>; at: number }[],
): Map<unknown, number> {
  const first = new Map<unknown, number>()
  for (const { headers, at } of received) {
    if (!first.has(headers['webhook-id'])) first.set(headers['webhook-id'], at)
  }
  return first
}

async function timeouts(metricsPort: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  return Number(/^fairlead_attempts_total\{outcome="response_timeout"\} (\d+)/m.exec(text)?.[1] ?? 0)
}

/** The others may have ended with the first. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
