import { createTestDatabase, type TestDatabase } from '@fairlead/testbed/postgres'
import { newId } from '@fairlead/webhook/id'
import type { AttemptRecord } from '@fairlead/wire/attempt'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { openSession } from '../session.ts'
import { applyBatch } from './apply-batch.ts'
import { anAttempt, anEventMeta } from './fixture/story.ts'
import type { Batch } from './take-batch.ts'

const destination = newId('dst', 0)
const meta = anEventMeta({ sourceId: newId('src', 0), receivedAt: Date.now() })
const event: Batch['events'][number] = { seq: 1, value: meta }

/** An attempt of the event. */
const attempt = (number: number, delivered: boolean): AttemptRecord => {
  const delivery = {
    destination,
    attempts: number,
    end: delivered ? ('delivered' as const) : ('waiting' as const),
  }
  return anAttempt({ meta, deliveries: [delivery] }, delivery, number, 1)
}

const batchOf = (events: Batch['events'], ...attempts: AttemptRecord[]): Batch => ({
  events,
  attempts: [{ seq: 1, value: attempts }],
  dead: [],
})

async function apply(database: TestDatabase, ...batches: readonly Batch[]): Promise<void> {
  await using session = await openSession(
    { databaseUrl: database.url, purpose: 'projection', wake() {} },
    new AbortController().signal,
  )
  for (const batch of batches) await session.commit(db => applyBatch(db, batch))
}

async function read(database: TestDatabase, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: database.adminUrl })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

const rollups = (database: TestDatabase) =>
  read(
    database,
    `select dimension, sum(attempts)::int as attempts, sum(delivered)::int as delivered from rollups
     group by dimension order by dimension`,
  )
const allOf = (counts: { attempts: number; delivered: number }) =>
  ['destination', 'source', 'type'].map(dimension => ({ dimension, ...counts }))

test('an attempt that comes again with new ones is not counted twice', async () => {
  await using database = await createTestDatabase()
  await apply(
    database,
    batchOf([event], attempt(1, false)),
    batchOf([], attempt(1, false), attempt(2, false), attempt(3, true)),
  )
  expect(await rollups(database)).toEqual(allOf({ attempts: 3, delivered: 1 }))
})

test('a batch of nothing but attempts that are known counts none', async () => {
  await using database = await createTestDatabase()
  await apply(
    database,
    batchOf([event], attempt(1, false), attempt(2, true)),
    batchOf([], attempt(1, false), attempt(2, true)),
  )
  expect(await rollups(database)).toEqual(allOf({ attempts: 2, delivered: 1 }))
})

test('an attempt that only a later record calls delivered is counted as delivered', async () => {
  await using database = await createTestDatabase()
  await apply(database, batchOf([event], attempt(1, false)), batchOf([], attempt(1, true)))
  expect(await rollups(database)).toEqual(allOf({ attempts: 2, delivered: 1 }))
})

test('two failures of one event with one cause, in one batch, are one event of their issue', async () => {
  await using database = await createTestDatabase()
  await apply(
    database,
    batchOf([event], attempt(1, false), attempt(2, false)),
    batchOf([], attempt(3, false)),
  )
  expect(await read(database, 'select failures::int, events::int from issues')).toEqual([
    { failures: 3, events: 1 },
  ])
})
