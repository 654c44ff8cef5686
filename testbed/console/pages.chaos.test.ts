import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningConsole, startConsole } from './running-console.ts'
import { faultsOfPages, looks } from './walk.ts'

let running: RunningConsole
beforeAll(async () => {
  running = await startConsole()
}, 240_000)
afterAll(() => running?.[Symbol.asyncDispose](), 60_000)

// `npm test` looks at each page in one of these ways.
test.each(looks)(
  'a page breaks its policy, overflows or keeps someone out: $width pixels, $colorScheme',
  async look => {
    expect(await faultsOfPages(running, look)).toEqual([])
  },
  900_000,
)
