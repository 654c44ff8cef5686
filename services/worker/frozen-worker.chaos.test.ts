import { test } from 'vitest'
import { freezeWorkers } from './fixtures/frozen-worker.ts'

/** FAIRLEAD_CHAOS_SEED makes the same moments again. */
const seed = Number(process.env.FAIRLEAD_CHAOS_SEED ?? Date.now() % 1_000_000)

test(`a worker that is frozen again and again, seed ${seed}`, async () => {
  await freezeWorkers(seed, 8)
}, 600_000)
