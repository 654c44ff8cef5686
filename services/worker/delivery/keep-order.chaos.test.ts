import { test } from 'vitest'
import { keepOrder } from '../fixtures/keep-order.ts'

const seeds = Array.from({ length: 10 }, (_, index) => 100 + index)

test.each(seeds)(
  'order of many keys over three crashes, seed %i',
  seed => keepOrder({ seed, keys: 20, eventsPerKey: 30, crashes: 3 }),
  180_000,
)
