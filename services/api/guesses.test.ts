import { expect, test } from 'vitest'
import { openGuesses } from './guesses.ts'

test('of a thousand wrong keys at once ten are looked up, and no others for a minute', async () => {
  const guesses = openGuesses()
  let nowMs = 0
  let lookedUp = 0
  const guess = async () => {
    const waitMs = await guesses.enter('peer', () => nowMs)
    if (waitMs > 0) return waitMs
    lookedUp++
    await Promise.resolve()
    guesses.ended('peer', false, nowMs)
    return 0
  }
  const waits = await Promise.all(Array.from({ length: 1_000 }, guess))
  expect([lookedUp, Math.max(...waits)]).toEqual([10, 60_000])
  nowMs = 59_999
  expect(await guess()).toBe(1)
  nowMs = 60_000
  expect([await guess(), lookedUp]).toEqual([0, 11])
})

test('a hundred right keys at once from one peer are all looked up', async () => {
  const guesses = openGuesses()
  const use = async () => {
    const waitMs = await guesses.enter('peer', () => 0)
    await Promise.resolve()
    if (waitMs === 0) guesses.ended('peer', true, 0)
    return waitMs
  }
  expect(new Set(await Promise.all(Array.from({ length: 100 }, use)))).toEqual(new Set([0]))
})

test('a peer that guesses takes nothing from another, and remembering peers has a bound', async () => {
  const guesses = openGuesses()
  const guess = async (peer: string) => {
    const waitMs = await guesses.enter(peer, () => 0)
    if (waitMs === 0) guesses.ended(peer, false, 0)
    return waitMs
  }
  for (let i = 0; i < 10; i++) await guess('guesser')
  expect(await guess('guesser')).toBe(60_000)
  expect(await guess('other')).toBe(0)
  for (let i = 0; i < 10_000; i++) await guess(`peer ${i}`)
  expect(await guess('guesser')).toBe(0)
})
