import { test } from 'vitest'
import { holdPartitions } from '../fixtures/hold-partitions.ts'

test('each partition has one owner and none runs twice, whichever NATS calls fail while they move', async () => {
  await holdPartitions(1, 3)
}, 60_000)
