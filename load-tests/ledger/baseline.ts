import type { BillingBody, LedgerPlatform, LedgerTenant } from '@fairlead/testbed/billing/ledger-platform'
import { toUuid } from '@fairlead/webhook/id'
import { percentile } from '../percentile.ts'

const rowsAtOnce = 100

/**
 * The least that any ledger on this Postgres does: the events' bodies as rows of one table, a hundred in one statement, by one connection. How
 * many events a second it takes on this machine, in this minute, is what rates are compared with.
 */
export async function eventsPerSecondOfBareInserts(
  { query }: LedgerPlatform,
  events: readonly BillingBody[],
): Promise<number> {
  await query('create table floor_events (id text primary key, body jsonb not null)')
  const startMs = performance.now()
  for (let from = 0; from < events.length; from += rowsAtOnce) {
    const some = events.slice(from, from + rowsAtOnce)
    await query('insert into floor_events select * from unnest($1::text[], $2::jsonb[])', [
      some.map(({ id }) => id),
      some.map(event => JSON.stringify(event)),
    ])
  }
  const seconds = (performance.now() - startMs) / 1_000
  await query('drop table floor_events')
  return events.length / seconds
}

/** Percentile of a row's bare read by its key, ms: what an access call is compared with. */
export async function bareReadMs(
  { query }: LedgerPlatform,
  { id }: LedgerTenant,
  customer: (index: number) => string,
  p: number,
): Promise<number> {
  const times: number[] = []
  for (let index = 0; index < 500; index += 1) {
    const startMs = performance.now()
    await query('select grants from ledger_access where organization_id = $1 and customer = $2', [
      toUuid(id),
      customer(index),
    ])
    times.push(performance.now() - startMs)
  }
  return percentile(times, p)
}
