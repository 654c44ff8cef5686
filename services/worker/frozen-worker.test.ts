import { test } from 'vitest'
import { freezeWorkers } from './fixtures/frozen-worker.ts'

test('a worker that is frozen and goes on takes no partition from a live one, and loses and repeats no more than it had in hand', async () => {
  await freezeWorkers(1, 1)
}, 240_000)
