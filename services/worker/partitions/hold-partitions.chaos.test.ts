import { test } from 'vitest'
import { holdPartitions } from '../fixtures/hold-partitions.ts'
import { holdRealPartitions } from '../fixtures/hold-real-partitions.ts'

const seeds = Array.from({ length: 20 }, (_, index) => 200 + index)

test.each(seeds)(
  'partitions over ten moves with failing NATS calls, seed %i',
  seed => holdPartitions(seed, 10),
  300_000,
)

test.each(seeds.slice(0, 5))(
  'whole workers over ten moves with failing NATS calls, seed %i',
  seed => holdRealPartitions(seed, 10),
  600_000,
)
