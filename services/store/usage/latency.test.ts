import { createTestDatabase } from '@fairlead/testbed/postgres'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { latencyPlace, latencySteps, percentile } from './latency.ts'

const counted = (...durations: number[]): number[] => {
  const counts: number[] = Array(latencySteps.length + 1).fill(0)
  for (const ms of durations) counts[latencySteps.filter(step => step <= ms).length]! += 1
  return counts
}

test.each<[string, number[], number, number | undefined]>([
  ['nothing', [], 0.5, undefined],
  ['all in one step', counted(55, 55, 55, 55), 0.5, 60],
  ['two steps, the upper one', counted(12, 12, 12, 120), 0.99, 148],
  ['above the last step', counted(40_000), 0.95, 30_000],
])('the percentile of %s', (_name, counts, share, expected) => {
  const found = percentile(counts, share)
  if (expected === undefined) expect(found).toBeUndefined()
  else expect(found).toBeCloseTo(expected, 3)
})

test('SQL and the projection count durations in the steps that percentiles are read from', async () => {
  await using database = await createTestDatabase()
  const client = new Client({ connectionString: database.url })
  await client.connect()
  const durations = [0, ...latencySteps.flatMap(step => [step - 1, step, step + 1]), 99_999]
  const { rows } = await client.query<{ counts: string[] }>(
    'select histogram(array_agg(latency_bucket(ms))) as counts from unnest($1::int[]) as ms',
    [durations],
  )
  await client.end()
  expect(rows[0]!.counts.map(Number)).toEqual(counted(...durations))
  const projected: number[] = Array(latencySteps.length + 1).fill(0)
  for (const ms of durations) projected[latencyPlace(ms)]! += 1
  expect(projected).toEqual(counted(...durations))
})
