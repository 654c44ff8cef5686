import { createTestDatabase } from '@fairlead/testbed/postgres'
import { expect, test } from 'vitest'
import type { Db } from './scope.ts'
import { openSession, type Session } from './session.ts'

const noAbort = new AbortController().signal
const open = (databaseUrl: string): Promise<Session> =>
  openSession({ databaseUrl, purpose: 'projection', wake() {} }, noAbort)
const insert = (db: Db, stream: string) =>
  db.query(
    'insert into projection_positions (stream, seq, stream_created_at) values ($1, $2, now()) returning stream',
    [stream, 1],
  )
const streams = (session: Session): Promise<string[]> =>
  session.commit(async db => {
    const { rows } = await db.query<{ stream: string }>('select stream from projection_positions order by 1')
    return rows.map(({ stream }) => stream)
  })

test('a statement that comes after the rollback is refused, and is not committed by itself', async () => {
  await using database = await createTestDatabase()
  await using session = await open(database.url)
  const failed = Promise.withResolvers<void>()
  let late: Promise<unknown> | undefined

  const work = session.commit(async db => {
    late = failed.promise.then(() => insert(db, 'LATE'))
    await Promise.all([insert(db, 'BEFORE'), db.query('select 1 / $1::int', [0]), insert(db, 'BEHIND')])
  })

  await expect(work).rejects.toMatchObject({ code: '22012' })
  failed.resolve()
  await expect(late).rejects.toThrow('the transaction is over')
  expect(await streams(session)).toEqual([])
})

test('a statement that failed while it was prepared runs again', async () => {
  await using database = await createTestDatabase()
  await using session = await open(database.url)
  const together = (divisor: number) =>
    session.commit(db => Promise.all([db.query('select 1 / $1::int', [divisor]), insert(db, 'BEHIND')]))
  await expect(together(0)).rejects.toMatchObject({ code: '22012' })
  await together(1)
  expect(await streams(session)).toEqual(['BEHIND'])
})

test('a statement is not planned anew for each batch', async () => {
  await using database = await createTestDatabase()
  await using session = await open(database.url)
  const seqOf = (db: Db) => db.query('select seq from projection_positions where stream = $1', ['EVENTS'])
  for (let i = 0; i < 20; i++) await session.commit(seqOf)
  const { rows } = await session.commit(db =>
    db.query(
      'select generic_plans::int as generic, custom_plans::int as custom from pg_prepared_statements where statement like $1',
      ['select seq from projection_positions%'],
    ),
  )
  expect(rows).toEqual([{ generic: 20, custom: 0 }])
})
