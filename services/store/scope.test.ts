import { createTestDatabase } from '@fairlead/testbed/postgres'
import { asAdmin } from '@fairlead/testbed/run'
import { until } from '@fairlead/testbed/until'
import { newId } from '@fairlead/webhook/id'
import { expect, test } from 'vitest'
import { openPool } from './postgres.ts'
import { inScope } from './scope.ts'

test('a connection that breaks between two statements fails its transaction, and does not end the process', async () => {
  await using database = await createTestDatabase()
  await using opened = openPool(database.url, 1)
  const broken = Promise.withResolvers<void>()
  opened.pool.on('connect', client => client.on('end', broken.resolve))

  const work = inScope(opened.pool, 'platform', async db => {
    const { rows } = await db.query('select pg_backend_pid() as pid')
    // As PostgreSQL does to every connection when its postmaster is killed.
    await asAdmin(database.adminUrl, `select pg_terminate_backend(${rows[0].pid})`)
    await broken.promise
    await db.query('select 1')
  })

  await expect(work).rejects.toMatchObject({ code: 'postgres_unavailable' })
  const after = () => inScope(opened.pool, 'platform', async db => (await db.query('select 1 as one')).rows)
  await until(async () => expect(await after()).toEqual([{ one: 1 }]))
})

test('statements of one organization do not hold up those of another', async () => {
  await using database = await createTestDatabase()
  await using opened = openPool(database.url, 4)
  const [many, other] = [newId('org', 1), newId('org', 2)]
  let done = 0
  const crowd = Array.from({ length: 60 }, () =>
    inScope(opened.pool, many, async db => {
      await db.query('select pg_sleep(0.05)')
      done++
    }),
  )
  await inScope(opened.pool, other, db => db.query('select 1'))
  // Two connections are left to others while one organization waits for more.
  expect(done).toBeLessThan(20)
  await Promise.all(crowd)
})
