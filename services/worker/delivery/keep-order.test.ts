import { test } from 'vitest'
import { keepOrder } from '../fixtures/keep-order.ts'

test('deliveries of many keys to two destinations keep their order, also over a crash', async () => {
  await keepOrder({ seed: 1, keys: 8, eventsPerKey: 8, crashes: 1 })
}, 240_000)
