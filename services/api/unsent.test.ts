import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { openUnsent } from './unsent.ts'

const mib = 1024 ** 2

/** An answer that is handed over; disposing reads it to its end. */
function ask(unsent: ReturnType<typeof openUnsent>, organization: string, bytes: number) {
  const response = new EventEmitter()
  unsent.requireRoom(organization, bytes)
  unsent.count(organization, bytes, response as never)
  return { read: () => void response.emit('close') }
}

test('who asks without an end and reads nothing fills the memory that all share', () => {
  const unsent = openUnsent()
  const own = Array.from({ length: 4 }, () => ask(unsent, 'greedy', 8 * mib))
  expect(() => ask(unsent, 'greedy', 8 * mib)).toThrow('read them first')
  // A small answer always goes, and so does another organization's.
  ask(unsent, 'greedy', 1_000)
  ask(unsent, 'other', 8 * mib).read()
  own[0]!.read()
  ask(unsent, 'greedy', 8 * mib)
})

test('many organizations that read nothing together leave each of the others no answer at all', () => {
  const unsent = openUnsent()
  for (let i = 0; i < 16; i++) ask(unsent, `greedy ${i}`, 8 * mib)
  expect(() => ask(unsent, 'greedy 1', mib)).toThrow('read them first')
  const first = ask(unsent, 'other', mib)
  expect(() => ask(unsent, 'other', mib)).toThrow('read them first')
  first.read()
  ask(unsent, 'other', mib)
  // Any number of organizations do not take any number of bytes.
  for (let i = 16; i < 31; i++) ask(unsent, `greedy ${i}`, 8 * mib)
  expect(() => ask(unsent, 'one more', 8 * mib)).toThrow('read them first')
})
