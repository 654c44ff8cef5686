import { expect, test } from 'vitest'
import {
  bundle,
  countInstructions,
  growthOf,
  nextKept,
  pinnedNode,
  readKept,
} from './instructions/count-instructions.ts'

/** Counts of another processor say nothing. In CI that is a failure: nobody would see that nothing is checked. */
const isOtherMachine = process.arch !== (await readKept()).arch && !process.env.CI

test.skipIf(isOtherMachine)(
  'no function that every webhook passes takes 2 % more instructions than before',
  async () => {
    const kept = await readKept()
    expect(
      [process.arch, pinnedNode()],
      'count anew: node load-tests/instructions/count-instructions.ts --write',
    ).toEqual([kept.arch, kept.node])
    const { text, digest } = await bundle()
    // The same code takes the same instructions.
    if (digest === kept.digest) return
    expect(
      growthOf(kept.counts, await countInstructions(text)),
      "say why: node load-tests/instructions/count-instructions.ts --write --note 'reason'",
    ).toEqual([])
  },
  300_000,
)

const kept = { node: '24.0.0', arch: 'x64', digest: 'a', counts: { verify: 1_000, fold: 500 }, notes: {} }
const counted = (verify: number, fold: number) => ({ ...kept, digest: 'b', counts: { verify, fold } })

test('2 % more is no growth, more than that is', () => {
  expect(growthOf(kept.counts, { verify: 1_020, fold: 300 })).toEqual([])
  expect(growthOf(kept.counts, { verify: 1_021, fold: 511 })).toEqual([
    'verify: 1021 instructions, 1000 before (+2.1 %)',
    'fold: 511 instructions, 500 before (+2.2 %)',
  ])
})

test('steps of 2 % don’t add up unseen, and what became cheaper stays so', () => {
  expect(nextKept(kept, counted(1_015, 400), undefined).counts).toEqual({ verify: 1_000, fold: 400 })
})

test('a growth is kept with its reason; counts of another node replace all', () => {
  const grown = nextKept(kept, counted(1_100, 500), 'checks more')
  expect([grown.counts.verify, grown.notes]).toEqual([1_100, { verify: 'checks more' }])
  expect(nextKept(kept, { ...counted(1_010, 505), node: '26.0.0' }, undefined).counts).toEqual({
    verify: 1_010,
    fold: 505,
  })
})
