import { expect, test } from 'vitest'
import { costsOf, type Profile } from './profile-costs.ts'

const frame = (functionName: string, url = '', lineNumber = 0) => ({ functionName, url, lineNumber })
const root = new URL('..', import.meta.url).href
const profile: Profile = {
  startTime: 1_000,
  nodes: [
    { id: 1, callFrame: frame('(idle)') },
    { id: 2, callFrame: frame('settle', `${root}services/worker/delivery/deliver.ts`, 9) },
    { id: 3, callFrame: frame('_asJson', `${root}node_modules/pino/lib/tools.js`) },
    { id: 4, callFrame: frame('writeBuffer') },
  ],
  samples: [2, 1, 2, 3, 4, 2],
  timeDeltas: [100, 100, 50, 20, 30, 400],
}

test('a profile’s costs leave out idle time, and what ran before and after the load', () => {
  expect(costsOf(profile, 1_150, 1_300)).toEqual({
    total: 100,
    byPart: [
      ['services/worker/delivery', 50],
      ['(native)', 30],
      ['pino', 20],
    ],
    byFunction: [
      ['settle services/worker/delivery/deliver.ts:10', 50],
      ['writeBuffer', 30],
      ['_asJson node_modules/pino/lib/tools.js:1', 20],
    ],
  })
})
