import { mkdir } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import {
  generateLog,
  isGenerated,
  largeOrganization,
  organizationOf,
} from '@fairlead/store/fixtures/generated-log'
import { migrate } from '@fairlead/store/migrate'
import { openPool } from '@fairlead/store/postgres'
import { type Db, inScope } from '@fairlead/store/scope'
import { startTestPostgres } from '@fairlead/testbed/postgres'
import type { OrganizationId } from '@fairlead/webhook/id'
import type { Pool, PoolClient } from 'pg'
import { type List, type Listed, listsOf } from './log-lists.ts'
import { percentile } from './percentile.ts'

/**
 * How fast lists answer in a large log: events of 1,000 organizations over 30 days are generated in Postgres (`generated-log.ts`),
 * each with a delivery and an attempt; one organization has a tenth of all, and a day of test data in one run. For each list the p50
 * and p95 of 40 calls: of the large organization, and of 40 small ones, each asked once.
 *
 * `node load-tests/log.ts [events, default 10000000] [--home FOLDER] [--generate] [--only TEXT] [--plans]`
 * A folder keeps the log: it is measured again without being generated. `--generate` measures nothing, `--only` the lists whose name
 * has the text, `--plans` prints how Postgres reads each list.
 */
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    home: { type: 'string' },
    generate: { type: 'boolean' },
    plans: { type: 'boolean' },
    only: { type: 'string', default: '' },
  },
})
const events = Number(positionals[0] ?? 10_000_000)
const organizations = 1_000
const calls = 40

if (options.home) await mkdir(options.home, { recursive: true })
await using postgres = await startTestPostgres(options.home ? { home: options.home } : {})
await migrate(postgres.url)
await using opened = openPool(postgres.url, 4)
const { pool } = opened
const platform = <T>(work: (db: Db) => Promise<T>) =>
  inScope(pool, 'platform', work, { timeoutMs: 3_600_000 })

if (!(await platform(isGenerated))) {
  const startedMs = performance.now()
  await generateLog({ events, organizations, days: 30, nowMs: Date.now(), transaction: platform })
  const seconds = (performance.now() - startedMs) / 1_000
  console.log(`${events} events of ${organizations} organizations in ${seconds.toFixed()} s`)
}
if (!options.generate) await measure()

async function measure(): Promise<void> {
  const { rows } = await inScope(pool, largeOrganization, db =>
    db.query<{ at: Date }>('select received_at as at from events order by received_at desc, id desc limit 1'),
  )
  const lists = listsOf(rows[0]!.at.getTime())
  const small = Array.from({ length: calls }, (_, i) => organizationOf(7 + 20 * i))
  const large = Array.from({ length: calls }, () => largeOrganization)
  for (const [name, list] of Object.entries(lists)) {
    if (!name.includes(options.only)) continue
    console.log(`${name}, large: ${await timesOf(list, large)}`)
    console.log(`${name}, small: ${await timesOf(list, small)}`)
    if (options.plans) await list(explaining(pool), largeOrganization, '')
  }
  for (const name of ['events, first page', 'events, of a source', 'attempts, first page']) {
    if (name.includes(options.only))
      console.log(`${name}, page 1,000, large: ${await deepTimes(lists[name]!)}`)
  }
}

/** Of one call for each organization. */
async function timesOf(list: List, of: readonly OrganizationId[]): Promise<string> {
  const times: number[] = []
  let listed: Listed | undefined
  for (const organization of of) {
    const beganMs = performance.now()
    listed = await list(pool, organization, '')
    times.push(performance.now() - beganMs)
  }
  const { rows, searched } = listed!
  return `${report(times)}; ${rows.length} rows${searched ? ` of ${searched.count} looked at` : ''}`
}

/** Of the pages up to the thousandth, or to the last. */
async function deepTimes(list: List): Promise<string> {
  const times: number[] = []
  let cursor = ''
  for (let page = 1; page <= 1_000; page++) {
    const beganMs = performance.now()
    const { next } = await list(pool, largeOrganization, cursor)
    times.push(performance.now() - beganMs)
    if (next === '') break
    cursor = next
  }
  return `${report(times.slice(-calls))} (${times.length} pages)`
}

function report(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b)
  return `p50 ${percentile(sorted, 0.5).toFixed(1)} ms, p95 ${percentile(sorted, 0.95).toFixed(1)} ms`
}

/** Prints the plan of each statement that reads. */
function explaining(plain: Pool): Pool {
  const query = async (client: PoolClient, statement: { text: string; values?: unknown[] }) => {
    if (/^\s*select/i.test(statement.text)) {
      const { rows } = await client.query<Record<string, string>>(
        `explain (analyze, costs off, timing off) ${statement.text}`,
        statement.values,
      )
      console.log(`${statement.text}\n${rows.map(row => row['QUERY PLAN']).join('\n')}\n`)
    }
    return await client.query(statement)
  }
  return {
    async connect() {
      const client = await plain.connect()
      return {
        query: (statement: string | { text: string }) =>
          query(client, typeof statement === 'string' ? { text: statement } : statement),
        release: (broken: boolean) => client.release(broken),
      }
    },
  } as unknown as Pool
}
