import { afterAll, beforeAll, expect, test } from 'vitest'
import { logJourneys } from './journeys/log.ts'
import { newcomerJourney } from './journeys/newcomer.ts'
import { noticeJourneys } from './journeys/notices.ts'
import { peopleJourneys } from './journeys/people.ts'
import { repairJourneys } from './journeys/repairs.ts'
import { settingsJourneys } from './journeys/settings.ts'
import { simulatorJourneys } from './journeys/simulator.ts'
import { staffJourneys } from './journeys/staff.ts'
import { streamJourneys } from './journeys/stream.ts'
import { type RunningConsole, startConsole } from './running-console.ts'
import { faultsOfPages } from './walk.ts'

/** All journeys share one product and one browser: to start and stop them takes longer than most journeys. */
let running: RunningConsole
beforeAll(async () => {
  running = await startConsole()
}, 240_000)
afterAll(() => running?.[Symbol.asyncDispose](), 60_000)

const started = () => running
newcomerJourney(started)
peopleJourneys(started)
staffJourneys(started)
logJourneys(started)
simulatorJourneys(started)
settingsJourneys(started)
noticeJourneys(started)
repairJourneys(started)
streamJourneys(started, { seconds: 30, awaySeconds: 5 })

// Last: the journeys have filled the pages.
test('a page breaks its policy, overflows or keeps someone out', async () => {
  expect(await faultsOfPages(running, { width: 1280, colorScheme: 'light' })).toEqual([])
}, 600_000)
