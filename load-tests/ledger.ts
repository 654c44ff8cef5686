import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { migrate } from '@fairlead/store/migrate'
import {
  type BillingBody,
  type LedgerPlatform,
  type LedgerTenant,
  startLedgerPlatform,
} from '@fairlead/testbed/billing/ledger-platform'
import { startTestPostgres } from '@fairlead/testbed/postgres'
import { until } from '@fairlead/testbed/until'
import { toUuid } from '@fairlead/webhook/id'
import { Agent } from 'undici'
import { cpuPerItem, readCpu } from './cpu.ts'
import { bareReadMs, eventsPerSecondOfBareInserts } from './ledger/baseline.ts'
import { customerOf, makeCustomers } from './ledger/customers.ts'
import { eventsOfLives } from './ledger/lives.ts'
import { openTap, type Tap } from './ledger/tap.ts'
import { percentile } from './percentile.ts'

/**
 * Billing events into rows, and the access call beside it: events of generated lives are put into the stream at a steady rate; worker, store
 * and API are processes of their own. An event's lag ends when the store says that it has committed its rows. It is counted from when the event
 * was due, so a generator that stalls shows.
 *
 *   node load-tests/ledger.ts [--rate 1000] [--seconds 30] [--tenants 4] [--customers 1000000] [--calls 50]
 *
 * Ends with 1 where events were lost, the lag's p99 is 2 s or more, or the access call's p99 10 ms or more.
 */
const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '30' },
    tenants: { type: 'string', default: '4' },
    customers: { type: 'string', default: '1000000' },
    calls: { type: 'string', default: '50' },
  },
})
const [rate, seconds, tenantCount, customers, calls] = [
  values.rate,
  values.seconds,
  values.tenants,
  values.customers,
  values.calls,
].map(Number) as [number, number, number, number, number]
/** Not counted: connections and plans are made in it. */
const warmUpSeconds = 5
const limits = { lagMs: 2_000, accessMs: 10 }

interface Published {
  readonly id: string
  readonly dueMs: number
}

/** Calls `work` at a steady pace, whatever becomes of the calls before. Resolves when all have been begun. */
async function paced(count: number, perSecond: number, work: (index: number, dueMs: number) => void) {
  const startMs = performance.now()
  for (let index = 0; index < count; ) {
    const owed = Math.min(count, Math.ceil(((performance.now() - startMs) * perSecond) / 1_000))
    for (; index < owed; index += 1) work(index, startMs + (index * 1_000) / perSecond)
    await delay(2)
  }
}

async function publishPaced(
  platform: LedgerPlatform,
  tenants: readonly LedgerTenant[],
  events: readonly (readonly BillingBody[])[],
  count: number,
): Promise<Published[]> {
  const published: Published[] = []
  const under: Promise<void>[] = []
  await paced(count, rate, (index, dueMs) => {
    const of = index % tenants.length
    const event = events[of]![Math.floor(index / tenants.length)]!
    under.push(platform.publish(tenants[of]!, event).then(id => void published.push({ id, dueMs })))
  })
  await Promise.all(under)
  return published
}

/** Times of access calls, ms, from when each was due. Throws for an answer other than 200 with access. */
async function callAccess(url: string, key: string, untilMs: number): Promise<number[]> {
  const agent = new Agent({ connections: 8, pipelining: 1 })
  const times: number[] = []
  const under: Promise<void>[] = []
  const call = async (dueMs: number): Promise<void> => {
    const path = `/api/v1/customers/${customerOf(Math.floor(Math.random() * customers))}/access`
    const { statusCode, body } = await agent.request({
      origin: url,
      path,
      method: 'GET',
      headers: { authorization: `Bearer ${key}` },
    })
    const answer = (await body.json()) as { hasAccess?: boolean }
    times.push(performance.now() - dueMs)
    if (statusCode !== 200 || answer.hasAccess !== true)
      throw new Error(`${path}: ${statusCode} ${JSON.stringify(answer)}`)
  }
  const count = Math.floor(((untilMs - performance.now()) / 1_000) * calls)
  await paced(count, calls, (_, dueMs) => under.push(call(dueMs)))
  await Promise.all(under)
  await agent.close()
  return times
}

/** Events whose facts are in no row of the tenants' ledgers. */
async function countLost({ query }: LedgerPlatform, tenants: readonly LedgerTenant[], published: number) {
  const [row] = await query(
    `select count(distinct fairlead_event) as stored from ledger_facts where organization_id = any($1::uuid[])`,
    [tenants.map(({ id }) => toUuid(id))],
  )
  return published - Number(row!.stored)
}

const round = (value: number): string => (value < 100 ? value.toFixed(1) : String(Math.round(value)))
const quantiles = (times: readonly number[]): string =>
  [0.5, 0.99, 1].map(p => round(percentile(times, Math.min(p, 0.999999)))).join('/')

async function setUp(opened: AsyncDisposableStack) {
  const postgres = opened.use(await startTestPostgres())
  await migrate(postgres.url)
  const unlimited = { FAIRLEAD_API_RATE_PER_SECOND: '10000', FAIRLEAD_API_RATE_BURST: '10000' }
  const platform = opened.use(await startLedgerPlatform(postgres.url, unlimited))
  const api = await platform.startApi()
  const tenants = await Promise.all(
    Array.from({ length: tenantCount }, (_, index) => platform.tenant(`tenant-${index}`)),
  )
  const [first] = tenants as [LedgerTenant]
  await makeCustomers(platform, first, customers)
  const { key } = await platform.client.apiKeys.createApiKey({
    organizationId: first.id,
    name: 'load',
    scopes: ['billing:read'],
    mode: 'live',
  })
  const processes = {
    worker: platform.worker.pid,
    store: platform.store.pid,
    postgres: postgres.pid,
    'nats-server': platform.natsPid,
    api: api.service.pid,
    generator: process.pid,
  }
  return { platform, tenants, api: { url: api.url, key }, processes }
}

interface Outcome {
  readonly published: readonly Published[]
  readonly tap: Tap
  readonly countedMs: number
  readonly accessTimes: readonly number[]
  readonly lost: number
  readonly bare: { readonly perSecond: number; readonly readMs: number }
}

/** @returns whether the limits are kept */
function report({ published, tap, countedMs, accessTimes, lost, bare }: Outcome): boolean {
  const counted = published.filter(({ dueMs }) => dueMs >= countedMs)
  const lags = counted.map(({ id, dueMs }) => (tap.answered.get(id) ?? Number.POSITIVE_INFINITY) - dueMs)
  const endMs = counted.reduce((end, { id }) => Math.max(end, tap.answered.get(id) ?? 0), 0)
  const reached = counted.length / ((endMs - countedMs) / 1_000)
  const { events, requests } = tap.handed
  console.log(
    `${published.length} events of ${tenantCount} tenants at ${rate}/s: into rows ${round(reached)}/s, lag p50/p99/max ${quantiles(lags)} ms, ` +
      `lost ${lost}, repeated ${events - published.length}, other answers ${tap.refused}, ${round(events / requests)} events a request`,
  )
  console.log(
    `bare inserts of the same bodies: ${round(bare.perSecond)}/s, ${round(bare.perSecond / reached)} times the ledger's`,
  )
  console.log(
    `${accessTimes.length} access calls beside it, of ${customers} customers: p50/p99/max ${quantiles(accessTimes)} ms; ` +
      `a bare read of the row, without load: p99 ${round(bare.readMs)} ms`,
  )
  return (
    lost === 0 && percentile(lags, 0.99) < limits.lagMs && percentile(accessTimes, 0.99) < limits.accessMs
  )
}

await using opened = new AsyncDisposableStack()
const { platform, tenants, api, processes } = await setUp(opened)
const total = rate * (seconds + warmUpSeconds)
const ofEach = Math.ceil(total / tenantCount)
const events = tenants.map((_, index) => eventsOfLives(ofEach, index + 1, `t${index}l`))
const bare = {
  perSecond: await eventsPerSecondOfBareInserts(platform, events[0]!.slice(0, 5_000)),
  readMs: await bareReadMs(platform, tenants[0]!, customerOf, 0.99),
}
await using tap = await openTap(platform.natsUrl)
const before = readCpu(processes)
const startMs = performance.now()
const countedMs = startMs + warmUpSeconds * 1_000
const accessing = callAccess(api.url, api.key, startMs + (seconds + warmUpSeconds) * 1_000)
const published = await publishPaced(platform, tenants, events, total)
await until(() => published.every(({ id }) => tap.answered.has(id)), {
  deadlineMs: 120_000,
  everyMs: 50,
  what: 'rows of all events',
}).catch((error: unknown) => console.log(String(error)))
const accessTimes = await accessing
const cpu = cpuPerItem(before, readCpu(processes), total)
const lost = await countLost(platform, tenants, published.length)
if (!report({ published, tap, countedMs, accessTimes, lost, bare })) process.exitCode = 1
for (const [name, micros] of cpu) console.log(`${name} ${Math.round(micros)} µs of CPU an event`)
