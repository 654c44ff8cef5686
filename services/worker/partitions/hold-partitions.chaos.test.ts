import { test } from 'vitest'
import { holdPartitions } from '../fixtures/hold-partitions.ts'

const seeds = Array.from({ length: 20 }, (_, index) => 200 + index)

test.each(seeds)(
  'partitions over ten moves with failing NATS calls, seed %i',
  seed => holdPartitions(seed, 10),
  300_000,
)
