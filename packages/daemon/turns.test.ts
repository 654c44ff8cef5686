import { expect, test } from 'vitest'
import { openTurns } from './turns.ts'

/** Takes places, and notes in which order they were given. */
function takeAll(turns: ReturnType<typeof openTurns<string>>, keys: string) {
  const begun: string[] = []
  const held: Disposable[] = []
  for (const key of keys) {
    turns.take(key).then(
      place => {
        begun.push(key)
        held.push(place)
      },
      ({ code }) => begun.push(`${key}: ${code}`),
    )
  }
  return { begun, held, end: () => held.shift()![Symbol.dispose](), settled: () => new Promise(setImmediate) }
}

test('a key with many requests does not hold up the one request of another', async () => {
  const { begun, end, settled } = takeAll(
    openTurns({ places: 1, mostOfOne: () => 1, waitMs: 60_000 }),
    'aaaaab',
  )
  await settled()
  for (let n = 0; n < 5; n++) {
    end()
    await settled()
  }
  expect(begun.join('')).toBe('aabaaa')
})

test('one key gets no more places than it may, however many are free', async () => {
  const { begun, settled } = takeAll(openTurns({ places: 4, mostOfOne: () => 2, waitMs: 60_000 }), 'aaaabcd')
  await settled()
  expect(begun.join('')).toBe('aabc')
})

test('a place that is given back twice is free once', async () => {
  const turns = openTurns<string>({ places: 1, mostOfOne: () => 1, waitMs: 60_000 })
  const place = await turns.take('a')
  place[Symbol.dispose]()
  place[Symbol.dispose]()
  const { begun, settled } = takeAll(turns, 'ab')
  await settled()
  expect(begun).toEqual(['a'])
  expect(turns.waiting).toBe(1)
})

test('who waits too long, or with too many, is refused, and the turn goes to the next', async () => {
  const turns = openTurns<string>({ places: 1, mostOfOne: () => 1, waitMs: 20, mostWaiting: 2 })
  const first = await turns.take('a')
  const { begun } = takeAll(turns, 'aaa')
  await expect.poll(() => begun.length).toBe(3)
  expect(begun).toEqual(['a: too_many_wait', 'a: waited_too_long', 'a: waited_too_long'])
  expect(turns.waiting).toBe(0)
  first[Symbol.dispose]()
  using _again = await turns.take('b')
})

test('short work does not wait for the long work of many keys, nor behind it', async () => {
  const turns = openTurns<string>({
    places: 4,
    mostOfOne: () => 2,
    waitMs: 60_000,
    first: { includes: key => key === 's', reserved: 1 },
  })
  const { begun, held, settled } = takeAll(turns, 'abcdefsss')
  await settled()
  // Three of four places are for the long work; the second and third of the short work come before what has waited longer.
  expect(begun.join('')).toBe('abcs')
  held.pop()![Symbol.dispose]()
  await settled()
  expect(begun.join('')).toBe('abcss')
  held[0]![Symbol.dispose]()
  await settled()
  expect(begun.join('')).toBe('abcsss')
})

test('short work leaves the other places to the long work, however much there is of it', async () => {
  const turns = openTurns<string>({
    places: 4,
    mostOfOne: () => 2,
    waitMs: 60_000,
    first: { includes: key => key === 's', reserved: 1 },
  })
  const { begun, settled } = takeAll(turns, 'ssssssab')
  await settled()
  expect(begun.join('')).toBe('ssab')
})

test('work that is given up while it waits takes no place, and nobody behind it waits for it', async () => {
  const turns = openTurns<string>({ places: 1, mostOfOne: () => 1 })
  const first = await turns.take('a')
  const givenUp = new AbortController()
  const waiting = turns.take('b', givenUp.signal)
  const next = turns.take('c', new AbortController().signal)
  givenUp.abort(new Error('too late'))
  await expect(waiting).rejects.toThrow('too late')
  await expect(turns.take('d', givenUp.signal)).rejects.toThrow('too late')
  expect(turns.waiting).toBe(1)
  first[Symbol.dispose]()
  using _place = await next
  expect(turns.waiting).toBe(0)
})
