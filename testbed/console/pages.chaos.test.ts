import { afterAll, beforeAll, expect, test } from 'vitest'
import { viewJourneys } from './journeys/views.ts'
import { fillLedger } from './ledgered.ts'
import { type RunningConsole, startConsole } from './running-console.ts'
import { faultsOfPages, looks, pagesOfLedger } from './walk.ts'

let running: RunningConsole
beforeAll(async () => {
  running = await startConsole()
  await fillLedger(running)
}, 240_000)
afterAll(() => running?.[Symbol.asyncDispose]())

// Four of them are in `npm test`.
viewJourneys(() => running, { count: 200 })

// `npm test` looks at each page in one of these ways.
test.each(looks)(
  'a page breaks its policy, overflows or keeps someone out: $width pixels, $colorScheme',
  async look => {
    expect(await faultsOfPages(running, look, await pagesOfLedger(running))).toEqual([])
  },
  900_000,
)
