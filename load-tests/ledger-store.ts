import { create } from '@bufbuild/protobuf'
import { ledgerEventOf } from '@fairlead/store/ledger/fixtures/record-life'
import { recordFacts } from '@fairlead/store/ledger/record'
import { migrate } from '@fairlead/store/migrate'
import { openPool } from '@fairlead/store/postgres'
import { inScope } from '@fairlead/store/scope'
import { startTestPostgres } from '@fairlead/testbed/postgres'
import { newId, toUuid } from '@fairlead/webhook/id'
import { RecordFactsRequestSchema } from '@fairlead/wire/store/ledger'
import type { ClientBase } from 'pg'
import { cpuPerItem, readCpu } from './cpu.ts'
import { eventsOfLives } from './ledger/lives.ts'

/**
 * What the store's part of the ledger costs: events of generated lives are recorded in batches of a size, one batch after the other, by
 * this process. Prints CPU of it and of PostgreSQL, and the number of statements.
 *
 *   node load-tests/ledger-store.ts [events, default 3000] [sizes of batches, default 2,10,50]
 *
 * With `--statements` also which statements took longest, as this process saw them.
 */
const [count = '3000', sizes = '2,10,50'] = process.argv.slice(2).filter(given => !given.startsWith('--'))
const shown = process.argv.includes('--statements') ? 40 : 0

await using postgres = await startTestPostgres()
await migrate(postgres.url)
await using opened = openPool(postgres.url, 4)
const { pool } = opened
const statements = new Map<string, { count: number; ms: number }>()
pool.on('connect', countStatements)

for (const [index, size] of sizes.split(',').map(Number).entries()) {
  const organization = newId('org', Date.now())
  await inScope(pool, 'platform', db =>
    db.query(
      `insert into organizations (id, slug, display_name, plan, active, retention_days, owner_kind, owner_reference, ledger_enabled)
       values ($1, $2, $2, '', true, 30, 'file', $2, true)`,
      [toUuid(organization), `tenant-${index}`],
    ),
  )
  const lives = eventsOfLives(Number(count), index + 1, `t${index}l`)
  const events = lives.map(event =>
    ledgerEventOf(organization, event as unknown as Parameters<typeof ledgerEventOf>[1]),
  )
  statements.clear()
  const processes = { store: process.pid, postgres: postgres.pid }
  const before = readCpu(processes)
  for (let from = 0; from < events.length; from += size) {
    const batch = { organizationId: organization, events: events.slice(from, from + size) }
    await recordFacts(pool, create(RecordFactsRequestSchema, batch))
  }
  const cpu = cpuPerItem(before, readCpu(processes), events.length)
  const asked = [...statements.values()].reduce((sum, one) => sum + one.count, 0)
  const micros = [...cpu].map(([name, used]) => `${name} ${Math.round(used)}`).join(', ')
  console.log(
    `${size} events a batch: ${micros} µs of CPU an event, ${((asked * size) / events.length).toFixed(1)} statements a batch`,
  )
  for (const [text, one] of [...statements].toSorted(([, a], [, b]) => b.ms - a.ms).slice(0, shown))
    console.log(
      `  ${one.ms.toFixed(0)} ms, ${one.count} times: ${text.replaceAll(/\s+/g, ' ').slice(0, 150)}`,
    )
}

function countStatements(client: ClientBase): void {
  const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>
  const counted = async (...args: readonly unknown[]): Promise<unknown> => {
    const [first] = args as [string | { readonly text: string }]
    const text = typeof first === 'string' ? first : first.text
    const startMs = performance.now()
    const result = await query(...args)
    const one = statements.get(text) ?? { count: 0, ms: 0 }
    statements.set(text, { count: one.count + 1, ms: one.ms + performance.now() - startMs })
    return result
  }
  client.query = counted as typeof client.query
}
