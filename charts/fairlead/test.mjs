// What `helm test` runs in a pod: posts a webhook to a test Organization, signed as GitHub signs, and waits until the
// event log says that it was delivered. Exits 0 then, else 1 with what went wrong.
import { createHmac, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

/** How long the whole test may take, ms: the Organization may just have been made. */
const deadlineMs = 120_000
/** How long nothing may be accepted, or nothing arrive, in an upgrade, ms. */
const longestGapMs = Number(process.env.LONGEST_GAP_MS ?? 10_000)
/** The longest time between two probes of a partition that is waited for, s. */
const mostIntervalSeconds = 60
const { RECEIVER_URL, API_URL, ORGANIZATION, SOURCE, WEBHOOK_SECRET, API_KEY, PROBER_URL, PROBED_SECONDS } =
  process.env
const signal = AbortSignal.timeout(deadlineMs)

/** Asks again until `accepts` takes the answer; tells the last one that it didn't when time is up. */
async function until(what, ask, accepts) {
  let last = 'no answer'
  while (!signal.aborted) {
    try {
      const response = await ask()
      const text = await response.text()
      last = `${response.status} ${text.slice(0, 300)}`
      if (response.ok && accepts(JSON.parse(text))) return JSON.parse(text)
    } catch (error) {
      last = error.cause?.message ?? error.message
    }
    await delay(500, undefined, { signal }).catch(() => {})
  }
  console.error(`${what}: not within ${deadlineMs / 1000} s; the last answer was: ${last}`)
  process.exit(1)
}

const body = JSON.stringify({ test: randomUUID() })
const headers = {
  'content-type': 'application/json',
  'x-github-event': 'push',
  // The same each time: a repeat is the same event.
  'x-github-delivery': randomUUID(),
  'x-hub-signature-256': `sha256=${createHmac('sha256', WEBHOOK_SECRET).update(body).digest('hex')}`,
}
const { id } = await until(
  'the webhook was accepted',
  () =>
    fetch(`${RECEIVER_URL}/webhooks/${ORGANIZATION}/${SOURCE}`, { method: 'POST', headers, body, signal }),
  answer => answer.id !== undefined,
)
console.log(`accepted ${id}`)
const authorization = `Bearer ${API_KEY}`
await until(
  'the event was delivered',
  () =>
    fetch(`${API_URL}/api/v1/organizations/${ORGANIZATION}/events/${id}`, {
      headers: { authorization },
      signal,
    }),
  event => event.status === 'success',
)
console.log(`delivered ${id}`)
if (PROBER_URL) await judgeProbes()

/**
 * Waits until each partition was probed since the test began, and no probe has been on its way for long: before that, a way that the
 * upgrade blocked a moment ago would not show. Fails where one was lost, or the way was blocked for too long. */
async function judgeProbes() {
  const begunMs = performance.now()
  const isOver = ({ intervalSeconds }) =>
    performance.now() - begunMs > Math.min(intervalSeconds, mostIntervalSeconds) * 1000 + longestGapMs
  const report = await until(
    'all probes have arrived',
    () => fetch(`${PROBER_URL}/report?seconds=${PROBED_SECONDS}`, { signal }),
    // A probe that was begun a moment ago is no sign of a fault: three look-ups in a row need not find none.
    answer => answer.sent > 0 && answer.oldestOpenSeconds < longestGapMs / 1000 && isOver(answer),
  )
  console.log(`probes of the last ${PROBED_SECONDS} s: ${JSON.stringify(report)}`)
  const faults = [
    ...(report.lost > 0 ? [`${report.lost} probes were accepted and lost`] : []),
    ...(report.refused > 0 ? [`${report.refused} probes were never accepted`] : []),
    ...['accept', 'first_attempt']
      .filter(hop => report.slowestMs[hop] > longestGapMs)
      .map(hop => `${hop}: nothing passed for ${Math.round(report.slowestMs[hop] / 1000)} s`),
  ]
  if (faults.length === 0) return
  console.error(faults.join('\n'))
  process.exit(1)
}
