import { createTestDatabase } from '@fairlead/testbed/postgres'
import { newId, toUuid } from '@fairlead/webhook/id'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { readOpen, updateProgress } from './progress.ts'

test('the newest of many open Replays is looked at too: each look takes those that waited longest', async () => {
  await using database = await createTestDatabase()
  const client = new Client({ connectionString: database.adminUrl })
  await client.connect()
  try {
    const organization = toUuid(newId('org', 0))
    const ids = Array.from({ length: 5 }, (_, i) => toUuid(newId('rpl', i)))
    await client.query(
      `insert into replays (organization_id, id, selector, rate_per_second, state, matched_events, matched, expired,
         published, created_by, created_at)
       select $1, n.id, '{}', 1, 'running', 1, 1, 0, 1, 'test', to_timestamp(n.place)
       from unnest($2::uuid[]) with ordinality as n (id, place)`,
      [organization, ids],
    )
    const looks: string[][] = []
    for (let look = 0; look < 3; look++) {
      const open = await readOpen(client, 2)
      looks.push(open.map(({ id }) => id))
      for (const { id } of open) await updateProgress(client, organization, id)
    }
    expect(looks).toEqual([
      [ids[0], ids[1]],
      [ids[2], ids[3]],
      [ids[4], ids[0]],
    ])
  } finally {
    await client.end()
  }
})
