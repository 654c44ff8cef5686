import { until } from '@fairlead/testbed/until'
import { expect, test } from 'vitest'
import { watchShortage } from './shortage.ts'

test('processors are short while the event loop comes round late, and for a while after', async () => {
  let lateMs = 0.4
  let looks = 0
  const loop = {
    lateMs() {
      looks++
      return lateMs
    },
    [Symbol.dispose]() {},
  }
  using shortage = watchShortage(loop)
  await until(() => looks >= 2, { what: 'two looks' })
  expect(shortage.lasts).toBe(false)
  lateMs = 8
  await until(() => shortage.lasts, { what: 'a look at processors that are short' })
  lateMs = 0
  const seen = looks
  await until(() => looks > seen + 1, { what: 'looks at processors that rest' })
  expect(shortage.lasts).toBe(true)
})

test('a loop that is kept busy is late', async () => {
  using shortage = watchShortage()
  await until(
    () => {
      for (const endMs = performance.now() + 40; performance.now() < endMs; );
      return shortage.lasts
    },
    { everyMs: 1, what: 'a look at a busy loop' },
  )
})
