import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accountJourney } from './journeys/accounts.ts'
import { billingJourneys } from './journeys/billing.ts'
import { keyboardJourney } from './journeys/keyboard.ts'
import { logJourneys } from './journeys/log.ts'
import { newcomerJourney } from './journeys/newcomer.ts'
import { noticeJourneys } from './journeys/notices.ts'
import { peopleJourneys } from './journeys/people.ts'
import { repairJourneys } from './journeys/repairs.ts'
import { settingsJourneys } from './journeys/settings.ts'
import { simulatorJourneys } from './journeys/simulator.ts'
import { staffJourneys } from './journeys/staff.ts'
import { streamJourneys } from './journeys/stream.ts'
import { viewJourneys } from './journeys/views.ts'
import { type RunningConsole, startConsole } from './running-console.ts'
import { faultsOfPagesInTurn, looks } from './walk.ts'

/** All journeys share one product and one browser: to start and stop them takes longer than most journeys. */
let running: RunningConsole
beforeAll(async () => {
  running = await startConsole()
}, 240_000)
afterAll(() => running?.[Symbol.asyncDispose]())

const started = () => running
newcomerJourney(started)
peopleJourneys(started)
accountJourney(started)
staffJourneys(started)
logJourneys(started)
simulatorJourneys(started)
settingsJourneys(started)
noticeJourneys(started)
repairJourneys(started)
keyboardJourney(started)
viewJourneys(started, { count: 4 })
billingJourneys(started)

// The journeys above have filled the pages. Each in all ways: pages.chaos.test.ts.
test('a page breaks its policy, overflows or keeps someone out', async () => {
  const seed = Number(process.env.FAIRLEAD_WALK_SEED ?? randomInt(looks.length))
  console.info(`FAIRLEAD_WALK_SEED=${seed}`)
  expect(await faultsOfPagesInTurn(running, seed)).toEqual([])
}, 600_000)

// Last: it fills the lists with events that no page needs.
streamJourneys(started, { seconds: 5, awaySeconds: 2 })
