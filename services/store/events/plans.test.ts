import { create, type DescMessage, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { HandlerContext } from '@connectrpc/connect'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { fromUuid } from '@fairlead/webhook/id'
import { modeHeader } from '@fairlead/wire/mode'
import { ListAttemptsRequestSchema } from '@fairlead/wire/store/attempt'
import { ListAuditLogsRequestSchema } from '@fairlead/wire/store/audit'
import { ListWaitingDeliveriesRequestSchema } from '@fairlead/wire/store/delivery'
import {
  EventStatus,
  ListChangedEventsRequestSchema,
  ListDeadLettersRequestSchema,
  ListEventsRequestSchema,
} from '@fairlead/wire/store/event'
import { IssueKind, IssueState, ListIssuesRequestSchema } from '@fairlead/wire/store/issue'
import { ListReplaysRequestSchema } from '@fairlead/wire/store/replay'
import { ListRetriesRequestSchema } from '@fairlead/wire/store/retry'
import { GetAnalyticsRequestSchema } from '@fairlead/wire/store/usage'
import type { PoolClient } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { attemptCalls } from '../calls/attempts.ts'
import { auditCalls } from '../calls/audit.ts'
import type { Calls } from '../calls/calls.ts'
import { deliveryCalls } from '../calls/deliveries.ts'
import { eventCalls } from '../calls/events.ts'
import { issueCalls } from '../calls/issues.ts'
import { replayCalls } from '../calls/replays.ts'
import { retryCalls } from '../calls/retries.ts'
import { usageCalls } from '../calls/usage.ts'
import {
  destinationOf,
  generateLog,
  largeOrganization,
  searchedPointer,
  searchedValue,
  smallOrganization,
  sourceOf,
} from '../fixtures/generated-log.ts'
import { openPool } from '../postgres.ts'
import { inScope } from '../scope.ts'

/**
 * Postgres' plans of all lists, over some ten thousand events of thirty organizations: no table of the log is read from end to
 * end, and nothing sorts all that an organization has. How fast they are is measured by `load-tests/log.ts`.
 */

/** Tables that grow with each webhook; of the log's, each day has its own. */
const growing = /^(events|deliveries|attempts|event_values)_\d{8}$|^audit_logs$/
/** Rows that one page may sort: its own, with names joined to them. */
const mostSorted = 1_000

interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Plan Rows': number
  readonly Plans?: readonly Plan[]
}

const opened = new AsyncDisposableStack()
const nowMs = Date.now()
let calls: Calls
/** What was asked while `seen` was noted. */
let seen: { readonly text: string; readonly plan: Plan }[] = []

beforeAll(async () => {
  const database = opened.use(await createTestDatabase())
  const shared = opened.use(openPool(database.url, 2))
  await generateLog({
    events: 24_000,
    organizations: 30,
    days: 3,
    nowMs,
    transaction: work => inScope(shared.pool, 'platform', work, { timeoutMs: 120_000 }),
  })
  const pool = {
    connect: async () => explaining(await shared.pool.connect()),
  }
  // No NATS: a search that a source's declaration serves reads no contents, whatever the mode of the key.
  calls = { pool, now: () => nowMs } as unknown as Calls
})
afterAll(() => opened.disposeAsync())

/** Notes the plan of each statement that reads, before it is run. */
function explaining(client: PoolClient): Pick<PoolClient, 'query' | 'release'> {
  const query = async (statement: { text: string; values?: unknown[] } | string) => {
    const { text, values = [] } = typeof statement === 'string' ? { text: statement } : statement
    if (/^\s*(select|with)\b/i.test(text) && !text.includes('pg_try_advisory')) {
      const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
        `explain (format json) ${text}`,
        values,
      )
      seen.push({ text, plan: rows[0]!['QUERY PLAN'][0].Plan })
    }
    return client.query(text, values.length > 0 ? values : undefined)
  }
  return { query: query as PoolClient['query'], release: broken => client.release(broken) }
}

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]

/** What is wrong with the plans that were noted, with their statements. */
function faults(): string[] {
  return seen.flatMap(({ text, plan }) =>
    nodesOf(plan).flatMap(node => {
      const relation = node['Relation Name'] ?? ''
      // The days ahead are empty.
      const isRead = node['Node Type'] === 'Seq Scan' && growing.test(relation) && node['Plan Rows'] > 1
      const isSorted = node['Node Type'] === 'Sort' && node['Plan Rows'] > mostSorted
      if (isRead) return [`reads all of ${relation}: ${text}`]
      return isSorted ? [`sorts ${node['Plan Rows']} rows: ${text}`] : []
    }),
  )
}

type Call<Request extends DescMessage> = (request: MessageShape<Request>, context: HandlerContext) => unknown

const contextOf = (mode: '' | 'live' | 'test') =>
  ({
    requestHeader: new Headers(mode ? { [modeHeader]: mode } : {}),
    responseHeader: new Headers(),
    timeoutMs: () => 60_000,
    signal: new AbortController().signal,
  }) as unknown as HandlerContext

/** A list with its filters, each of both modes and of one. */
function list<Request extends DescMessage>(
  name: string,
  schema: Request,
  callOf: (calls: Calls) => unknown,
  filters: readonly MessageInitShape<Request>[],
): [string, () => Promise<void>][] {
  return filters.map(filter => [
    `${name} ${JSON.stringify(filter, (_, value) => (typeof value === 'bigint' ? Number(value) : value))}`,
    async () => {
      for (const organizationId of [largeOrganization, smallOrganization]) {
        for (const mode of ['', 'live', 'test'] as const) {
          const call = callOf(calls) as Call<Request>
          await call(
            create(schema, { ...(filter as object), organizationId } as unknown as MessageInitShape<Request>),
            contextOf(mode),
          )
        }
      }
    },
  ])
}

const hourAgo = timestampFromMs(nowMs - 3_600_000)
const dayAgo = timestampFromMs(nowMs - 86_400_000)
const anEvent = fromUuid('evt', '00000000-0000-4000-8000-00000000abcd')

const lists: [string, () => Promise<void>][] = [
  ...list('events', ListEventsRequestSchema, of => eventCalls(of).listEvents, [
    {},
    { limit: 100 },
    { source: sourceOf(3) },
    { source: 'nowhere' },
    { type: 'type.7' },
    { type: 'no*thing' },
    { status: EventStatus.FAILED },
    { status: EventStatus.PENDING },
    { status: EventStatus.FAILED, source: sourceOf(3), type: 'type.3' },
    { q: 'nothing like it' },
    { q: anEvent },
    { q: anEvent.replace('evt_', 'dlv_') },
    { after: hourAgo },
    { before: dayAgo },
    { after: dayAgo, before: hourAgo },
    { value: [{ name: searchedPointer, text: searchedValue(8) }] },
    { value: [{ name: searchedPointer, text: 'nothing' }] },
    { value: [{ name: searchedPointer, text: searchedValue(8) }], source: sourceOf(0), after: dayAgo },
  ]),
  ...list('changed events', ListChangedEventsRequestSchema, of => eventCalls(of).listChangedEvents, [
    { position: '' },
    { position: '3000', deliveries: true },
    { position: '3000', filter: { source: 'nowhere' } },
  ]),
  ...list('attempts', ListAttemptsRequestSchema, of => attemptCalls(of).listAttempts, [
    {},
    { failed: true },
    { destinationId: destinationOf(1) },
    { destinationId: destinationOf(1), failed: true },
    { outcome: 'dns_failed' },
    { status: 500 },
    { eventId: anEvent },
    { after: dayAgo, before: hourAgo },
  ]),
  ...list('dead letters', ListDeadLettersRequestSchema, of => eventCalls(of).listDeadLetters, [
    {},
    { destinationId: destinationOf(1) },
    { source: sourceOf(3) },
    { type: 'no*thing' },
    { reason: 'gone' },
    { diedAfter: hourAgo },
  ]),
  ...list(
    'deliveries that wait',
    ListWaitingDeliveriesRequestSchema,
    of => deliveryCalls(of).listWaitingDeliveries,
    [{}, { destinationId: destinationOf(1) }, { source: sourceOf(3) }, { type: 'no*thing' }],
  ),
  ...list('issues', ListIssuesRequestSchema, of => issueCalls(of).listIssues, [
    {},
    { state: IssueState.OPEN },
    { kind: IssueKind.REFUSAL },
    { subjectId: destinationOf(1) },
  ]),
  ...list('Replays', ListReplaysRequestSchema, of => replayCalls(of).listReplays, [{}]),
  ...list('retries', ListRetriesRequestSchema, of => retryCalls(of).listRetries, [{}]),
  ...list('audit log', ListAuditLogsRequestSchema, of => auditCalls(of).listAuditLogs, [
    {},
    { action: 'source.changed' },
    { action: 'none.such' },
  ]),
  ...list('analytics', GetAnalyticsRequestSchema, of => usageCalls(of).getAnalytics, [
    { by: 'source', interval: 'hour' },
    { by: 'type', interval: '15m' },
  ]),
]

test.each(lists)('%s reads all of a table, or sorts all that there is', async (_name, ask) => {
  seen = []
  await ask()
  expect(seen.length).toBeGreaterThan(0)
  expect(faults()).toEqual([])
})

test('a statement that reads a whole table, or sorts all, goes unseen', async () => {
  seen = []
  await inScope(calls.pool, largeOrganization, async db => {
    await db.query('select * from attempts where organization_id is not null order by duration_ms')
  })
  expect(faults().join()).toMatch(/sorts \d+ rows: .*reads all of attempts_\d{8}/s)
})
