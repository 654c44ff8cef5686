import { openTurns } from '@fairlead/daemon/turns'
import { expect, test } from 'vitest'
import { refuseTurn } from './read-bodies.ts'

test('an organization whose turn does not come is told that it asks for too much, while others have the places', async () => {
  const turns = openTurns({ places: 1, mostOfOne: () => 1, waitMs: 5, mostWaiting: 1 })
  using _held = await turns.take('other')
  const answers = [turns.take('own'), turns.take('own')].map(turn => turn.catch(refuseTurn))
  const [late, refused] = await Promise.allSettled(answers)
  expect(late).toMatchObject({ reason: { code: 'unavailable', retryAfterSeconds: 2 } })
  expect(late).toMatchObject({ reason: { message: expect.not.stringContaining('organization') } })
  expect(refused).toMatchObject({ reason: { code: 'rate_limited', retryAfterSeconds: 2 } })
})
