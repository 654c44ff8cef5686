import { afterAll, beforeAll } from 'vitest'
import { streamJourneys } from './journeys/stream.ts'
import { type RunningConsole, startConsole } from './running-console.ts'

let running: RunningConsole
beforeAll(async () => {
  running = await startConsole()
}, 240_000)
afterAll(() => running?.[Symbol.asyncDispose]())

// Five seconds of it are in `npm test`.
streamJourneys(() => running, { seconds: 600, awaySeconds: 60 })
