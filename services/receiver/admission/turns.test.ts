import { newId } from '@fairlead/webhook/id'
import { expect, test } from 'vitest'
import { openTurns } from './turns.ts'

const [crowd, other, third] = [newId('org', 1), newId('org', 2), newId('org', 3)]

/** Turns on a clock of the test's own, in which each request takes a millisecond. */
function openScene() {
  let nowMs = 0
  const immediates: (() => void)[] = []
  const microtasks: (() => void)[] = []
  const done: string[] = []
  const turns = openTurns({
    now: () => nowMs,
    later: next => void immediates.push(next),
    soon: next => void microtasks.push(next),
  })
  return {
    turns,
    done,
    come(organization: typeof crowd, name: string) {
      return turns.take(organization, async () => {
        nowMs++
        done.push(name)
        return name
      })
    },
    /** One turn of the event loop: what waits is worked on, until the slice is over. */
    loop() {
      for (const next of immediates.splice(0)) next()
      while (microtasks.length > 0) microtasks.shift()!()
    },
  }
}

test('a crowd of one organization holds up another for one slice, however many they are', () => {
  const scene = openScene()
  for (let n = 0; n < 300; n++) void scene.come(crowd, `crowd ${n}`)
  expect(scene.done).toHaveLength(10)
  void scene.come(other, 'other')
  void scene.come(third, 'third')
  scene.loop()
  expect(scene.done.slice(10, 15)).toEqual(['crowd 10', 'other', 'third', 'crowd 11', 'crowd 12'])
  expect(scene.done).toHaveLength(20)
})

test('while there is little to do, nothing waits', () => {
  const scene = openScene()
  for (let n = 0; n < 20; n++) {
    void scene.come(crowd, `${n}`)
    expect(scene.done).toHaveLength(n + 1)
    scene.loop()
  }
  expect(scene.turns.waiting).toBe(0)
})

test('everything that waits is worked on, in the order of its organization', () => {
  const scene = openScene()
  const wanted = Array.from({ length: 100 }, (_, n) => `${n}`)
  for (const name of wanted) void scene.come(crowd, name)
  for (let turn = 0; turn < 20; turn++) scene.loop()
  expect(scene.done).toEqual(wanted)
  expect(scene.turns.waiting).toBe(0)
})

test('work that fails tells its caller, and the next goes on', async () => {
  const scene = openScene()
  for (let n = 0; n < 10; n++) void scene.come(crowd, `${n}`)
  const failing = scene.turns.take(crowd, () => Promise.reject(new Error('broken')))
  const after = scene.come(crowd, 'after')
  scene.loop()
  await expect(failing).rejects.toThrow('broken')
  expect(await after).toBe('after')
})
