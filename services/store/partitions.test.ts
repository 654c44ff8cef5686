import { createTestDatabase } from '@fairlead/testbed/postgres'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { ensureDays } from './partitions.ts'

test('many calls that need the same new day at once all get its tables', async () => {
  await using database = await createTestDatabase()
  await using opened = new AsyncDisposableStack()
  const clients = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const client = new Client({ connectionString: database.url })
      await client.connect()
      opened.defer(() => client.end())
      return client
    }),
  )
  for (let day = 1; day <= 5; day++) {
    const days = new Set([`2031-01-0${day}`])
    const made = await Promise.allSettled(
      clients.map(async client => {
        await client.query('begin')
        await ensureDays(client, days)
        await client.query('commit')
      }),
    )
    expect(made.filter(({ status }) => status === 'rejected')).toEqual([])
  }
})
