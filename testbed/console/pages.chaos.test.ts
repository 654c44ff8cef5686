import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningConsole, startConsole } from './running-console.ts'
import { faultsOfPages } from './walk.ts'

let running: RunningConsole
beforeAll(async () => {
  running = await startConsole()
}, 240_000)
afterAll(() => running?.[Symbol.asyncDispose](), 60_000)

// Wide and light is in `npm test`.
test.each([
  ['wide and dark', { width: 1280, colorScheme: 'dark' }],
  ['320 pixels and light', { width: 320, colorScheme: 'light' }],
  ['320 pixels and dark', { width: 320, colorScheme: 'dark' }],
  ['200 % zoom and light', { width: 640, deviceScaleFactor: 2, colorScheme: 'light' }],
  ['200 % zoom and dark', { width: 640, deviceScaleFactor: 2, colorScheme: 'dark' }],
] as const)(
  'a page breaks its policy, overflows or keeps someone out: %s',
  async (_, options) => {
    expect(await faultsOfPages(running, options)).toEqual([])
  },
  900_000,
)
