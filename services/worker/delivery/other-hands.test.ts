import { expect, test } from 'vitest'
import { OtherHands } from './other-hands.ts'

/** Three events, the newest of them 10, were handed out and not acknowledged. */
const threeOut = { handOuts: 7, lastSeq: 10, unacknowledged: 3 }
const noneOut = { handOuts: 7, lastSeq: 10, unacknowledged: 0 }

/** Each is told something at a time in ms. */
const steps: [what: string, out: boolean, (hands: OtherHands) => void, opening?: typeof noneOut][] = [
  ['a partition whose events are all acknowledged waits for nothing', false, () => {}, noneOut],
  ['events without an acknowledgement are waited for', true, () => {}],
  [
    'while one of three has not come again, keys wait',
    true,
    hands => [4, 4, 9].map(seq => hands.placed(seq, 1)),
  ],
  [
    'when the last of three has come, keys go on',
    false,
    hands => [9, 4, 10].map(seq => hands.placed(seq, 1)),
  ],
  ['newer events do not count as come again', true, hands => [11, 12, 13].map(seq => hands.placed(seq, 1))],
  ['what is acknowledged meanwhile is not waited for', false, hands => hands.look(10, 1)],
  ['while an older one may be open, keys wait', true, hands => hands.look(9, 1)],
  ['what has not come in longer than ack_wait comes no more', false, hands => hands.look(undefined, 6_000)],
  [
    'while some come again, keys wait for longer',
    true,
    hands => {
      hands.placed(4, 5_000)
      hands.look(0, 10_000)
    },
  ],
  [
    'however many come again, keys wait for half a minute at most',
    false,
    hands => {
      for (let atMs = 0; atMs < 30_000; atMs += 1_000) {
        hands.placed(4, atMs)
        hands.look(0, atMs)
      }
      hands.look(0, 30_000)
    },
  ],
  [
    'hand-outs one after the other tell of no other',
    false,
    hands => [8, 9].map(n => hands.handedOut(n, 10 + n, 1)),
    noneOut,
  ],
  ['a hand-out that is missing went elsewhere', true, hands => hands.handedOut(9, 12, 1), noneOut],
  [
    'a hand-out that is missing is over when all before it is acknowledged',
    false,
    hands => {
      hands.handedOut(9, 12, 1)
      hands.look(11, 2)
    },
    noneOut,
  ],
  [
    'a consumer that was made anew counts anew',
    false,
    hands => [1, 2].map(n => hands.handedOut(n, n, 1)),
    noneOut,
  ],
]

test.each(steps)('%s', (_what, out, tell, opening = threeOut) => {
  const hands = new OtherHands(opening, 0)
  tell(hands)
  expect(hands.areOut).toBe(out)
})
