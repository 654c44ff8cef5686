import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fromUuid } from '@fairlead/webhook/id'
import { Client } from 'pg'
import type { StandaloneSettings } from '../standalone.ts'
import type { LoggedStatus } from './compare.ts'

/** Event id → status, as an organization's log says by the API. @throws if the API lists an event twice */
export async function readLogByApi(
  settings: StandaloneSettings,
  organization: string,
): Promise<Map<string, LoggedStatus>> {
  const key = (await readFile(join(settings.home, 'admin-key'), 'utf8')).trim()
  const log = new Map<string, LoggedStatus>()
  let cursor: string | null = null
  do {
    const query = new URLSearchParams({ limit: '500', ...(cursor && { cursor }) })
    const url = `http://127.0.0.1:${settings.apiPort}/api/v1/organizations/${organization}/events?${query}`
    const response = await fetch(url, { headers: { authorization: `Bearer ${key}` } })
    if (!response.ok) throw new Error(`the API answered ${response.status}: ${await response.text()}`)
    const page = (await response.json()) as {
      items: { id: string; status: LoggedStatus }[]
      next: string | null
    }
    for (const { id, status } of page.items) {
      if (log.has(id)) throw new Error(`${id} stands in the log twice`)
      log.set(id, status)
    }
    cursor = page.next
  } while (cursor !== null)
  return log
}

/** The rows themselves, which row-level security hides from everyone but the superuser. */
export interface LogRows {
  readonly events: ReadonlyMap<string, LoggedStatus>
  /** Why deliveries died, and how many. */
  readonly dead: ReadonlyMap<string, number>
  /** Rows beyond the first of an event, a delivery or an attempt; attempts whose numbers are not 1 … n. */
  readonly faults: readonly string[]
}

/** @param adminUrl of the store's database, as the superuser */
export async function readLogRows(adminUrl: string): Promise<LogRows> {
  const client = new Client({ connectionString: adminUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ id: string; status: LoggedStatus; count: number }>(
      'select id, min(status) as status, count(*)::int as count from events group by organization_id, id',
    )
    const events = new Map(rows.map(({ id, status }) => [fromUuid('evt', id) as string, status]))
    const repeated = rows.filter(({ count }) => count > 1).map(({ id }) => `event ${id} has several rows`)
    const deliveries = await client.query<{ id: string }>(
      'select id from deliveries group by organization_id, id having count(*) > 1',
    )
    const attempts = await client.query<{ event_id: string }>(
      `select event_id from attempts group by organization_id, event_id, destination_id
       having count(*) <> count(distinct number) or max(number) <> count(*)`,
    )
    const dead = await client.query<{ dead_reason: string; count: number }>(
      'select dead_reason, count(*)::int as count from deliveries where died_at is not null group by dead_reason',
    )
    return {
      events,
      dead: new Map(dead.rows.map(({ dead_reason, count }) => [dead_reason, count])),
      faults: [
        ...repeated,
        ...deliveries.rows.map(({ id }) => `delivery ${id} has several rows`),
        ...attempts.rows.map(({ event_id }) => `the attempts of event ${event_id} are not 1 … n`),
      ],
    }
  } finally {
    await client.end()
  }
}
