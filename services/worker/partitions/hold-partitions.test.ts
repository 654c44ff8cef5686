import { test } from 'vitest'
import { holdPartitions } from '../fixtures/hold-partitions.ts'
import { holdRealPartitions } from '../fixtures/hold-real-partitions.ts'

test('each partition has one owner and none runs twice, whichever NATS calls fail while they move', async () => {
  await holdPartitions(1, 3)
}, 240_000)

test('whole workers lose no event while partitions move and NATS calls fail', async () => {
  await holdRealPartitions(1, 2)
}, 240_000)
