import { setTimeout as delay } from 'node:timers/promises'
import type { Arrivals } from '../load/arrivals.ts'
import { openLoadSender, type Sent } from '../load/sender.ts'
import { until } from '../until.ts'
import { tenantSecret } from './tenants.ts'

/** What a tenant who does nothing wrong notices: of its webhooks, of their deliveries, of its calls to the API. */
export interface Felt {
  readonly webhooks: number
  /** Answered anything but 2xx, or not at all. */
  readonly refused: number
  /** 95th percentile from when a webhook was due to its answer, ms. */
  readonly answerP95Ms: number
  /** Accepted webhooks that had not arrived at the destination in time. */
  readonly missing: number
  /** 95th percentile from when a webhook was due to its arrival, ms. */
  readonly arrivalP95Ms: number
  readonly calls: number
  /** Statuses of calls that were answered anything but 2xx; 0: not at all. */
  readonly callsRefused: readonly number[]
  /** 95th percentile of a list of its events, ms. */
  readonly callP95Ms: number
}

export interface Watched {
  /** The URL of its GitHub source. */
  readonly source: string
  /** A URL of the API that its key may read. */
  readonly list: string
  readonly key: string
  readonly arrivals: Arrivals
}

const webhooksPerSecond = 25
const connections = 32
const betweenCallsMs = 250
/** How long deliveries may take when the attack is over. */
const arrivalDeadlineMs = 60_000

/** Sends webhooks and asks for the log at a steady rate for so long, whatever the answers are. */
export async function feel({ source, list, key, arrivals }: Watched, seconds: number): Promise<Felt> {
  await using sender = await openLoadSender({
    url: source,
    secret: tenantSecret,
    connections,
    bodyBytes: 512,
  })
  const sent: Sent[] = []
  const [callMs] = await Promise.all([
    call(list, key, seconds),
    sender.atRate(webhooksPerSecond, seconds, one => sent.push(one)),
  ])
  const accepted = sent.filter(({ id }) => id !== undefined)
  const missing = () => accepted.filter(({ id }) => !arrivals.events.has(id!)).length
  await until(() => missing() === 0, { deadlineMs: arrivalDeadlineMs, everyMs: 20 }).catch(() => {})
  const arrivalMs = accepted.flatMap(({ id, dueMs }) => {
    const arrival = arrivals.events.get(id!)
    return arrival ? [arrival.atMs - dueMs] : []
  })
  return {
    webhooks: sent.length,
    refused: sent.length - accepted.length,
    answerP95Ms: p95(sent.map(({ acceptMs }) => acceptMs)),
    missing: missing(),
    arrivalP95Ms: p95(arrivalMs),
    calls: callMs.length,
    callsRefused: callMs.flatMap(({ status }) => (status === 200 ? [] : [status])),
    callP95Ms: p95(callMs.map(({ ms }) => ms)),
  }
}

interface Called {
  readonly ms: number
  readonly status: number
}

async function call(url: string, key: string, seconds: number): Promise<Called[]> {
  const calls: Promise<Called>[] = []
  const endMs = performance.now() + seconds * 1000
  while (performance.now() < endMs) {
    const startMs = performance.now()
    const asked = fetch(url, { headers: { authorization: `Bearer ${key}` } })
    const answered = asked.then(async response => {
      await response.arrayBuffer()
      return response.status
    })
    calls.push(answered.catch(() => 0).then(status => ({ ms: performance.now() - startMs, status })))
    await delay(betweenCallsMs)
  }
  return Promise.all(calls)
}

function p95(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return Math.round(sorted[Math.ceil(0.95 * sorted.length) - 1] ?? Number.NaN)
}
