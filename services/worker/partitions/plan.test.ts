import fc from 'fast-check'
import { expect, test } from 'vitest'
import { planPartitions } from './plan.ts'

const claims = (...owners: (string | undefined)[]) => owners

test.each([
  ['alone: everything', 'a', ['a'], claims(undefined, undefined, undefined, undefined), [0, 1, 2, 3], []],
  ['nothing to do', 'a', ['a', 'b'], claims('a', 'a', 'b', 'b'), [], []],
  ['a new worker waits for what others hand back', 'b', ['a', 'b'], claims('a', 'a', 'a', 'a'), [], []],
  [
    'a worker with too many partitions hands some back',
    'a',
    ['a', 'b'],
    claims('a', 'a', 'a', 'a'),
    [],
    [2, 3],
  ],
  ['a dead one is inherited', 'a', ['a'], claims('a', 'b', 'a', 'b'), [1, 3], []],
  ['no more than a fair share is inherited', 'a', ['a', 'c'], claims('a', 'b', 'b', 'b'), [1], []],
])('%s', (_name, me, alive, view, claim, release) => {
  expect(planPartitions({ me, alive: new Set(alive), claims: view })).toEqual({ claim, release })
})

test('whoever comes and goes, all partitions are soon held, evenly, and then nothing moves', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }),
      fc.array(fc.option(fc.constantFrom(...names, 'gone'), { nil: undefined }), {
        minLength: 16,
        maxLength: 16,
      }),
      (workers, start) => {
        const alive = new Set(workers)
        const held = [...start]
        for (let round = 0; round < 20; round++) {
          for (const me of workers) {
            const plan = planPartitions({ me, alive, claims: held })
            for (const partition of plan.release) held[partition] = undefined
            for (const partition of plan.claim) held[partition] = me
          }
        }
        const counts = workers.map(worker => held.filter(owner => owner === worker).length)
        expect(counts.reduce((sum, count) => sum + count)).toBe(16)
        expect(Math.max(...counts)).toBeLessThanOrEqual(Math.ceil(16 / workers.length))
        for (const me of workers) {
          expect(planPartitions({ me, alive, claims: held })).toEqual({ claim: [], release: [] })
        }
      },
    ),
  )
})
