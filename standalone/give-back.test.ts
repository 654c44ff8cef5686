import { expect, test } from 'vitest'
import { giveBackMemory } from './give-back.ts'

test('an idle process does not keep the heap that its start has used', async () => {
  let used: object[] | undefined = Array.from({ length: 500_000 }, (_, i) => ({ i, text: `${i}` }))
  const before = process.memoryUsage()
  expect(used.length).toBe(500_000)
  used = undefined
  await giveBackMemory()
  const after = process.memoryUsage()
  expect(before.heapUsed - after.heapUsed).toBeGreaterThan(20 * 1024 ** 2)
  expect(after.heapTotal).toBeLessThan(before.heapTotal)
})
