import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type ChainEnd,
  chainDigest,
  chainStart,
  findChainFaults,
  openChainWalk,
  type StoredEntry,
} from './audit-chain.ts'

function aChain(length: number): { entries: StoredEntry[]; head: { seq: number; sha256: Uint8Array } } {
  let before = chainStart
  const entries = Array.from({ length }, (_, i): StoredEntry => {
    const entry = {
      id: randomUUID(),
      at: new Date(1_700_000_000_000 + i),
      actor_kind: 'api_key',
      actor_id: 'key_1',
      actor_name: 'ci',
      action: 'event.retried',
      subject_id: `${i}`,
      details: { b: i, a: [{ d: 1, c: 2 }] },
      via: 'api',
      address: '192.0.2.1',
      agent: '',
      request_id: `req_${i}`,
    }
    const sha256 = chainDigest(before, i + 1, entry)
    const stored = { ...entry, seq: i + 1, before_sha256: before, sha256 }
    before = sha256
    return stored
  })
  return { entries, head: { seq: length, sha256: before } }
}

const digestAnew = (entry: StoredEntry): StoredEntry => ({
  ...entry,
  sha256: chainDigest(entry.before_sha256, entry.seq, entry),
})
const kinds = (...given: Parameters<typeof findChainFaults>) =>
  findChainFaults(...given).map(({ kind, seq }) => `${kind} ${seq}`)

test('an untouched chain has no fault, whatever the order of names in its details', () => {
  const { entries, head } = aChain(20)
  const other = entries.map(entry => ({ ...entry, details: { a: [{ c: 2, d: 1 }], b: entry.seq - 1 } }))
  expect(findChainFaults(other, head)).toEqual([])
  expect(findChainFaults([], undefined)).toEqual([])
})

test('each kind of change is found at its place, and named', () => {
  fc.assert(
    fc.property(fc.integer({ min: 4, max: 30 }), fc.nat(), (length, pick) => {
      const { entries, head } = aChain(length)
      // Not the last entry: cutting that off is a kind of its own.
      const i = pick % (length - 1)
      const at = (change: (entry: StoredEntry) => StoredEntry) =>
        entries.map((entry, j) => (j === i ? change(entry) : entry))
      const edited = at(entry => ({ ...entry, action: 'event.other' }))
      expect(kinds(edited, head)).toEqual([`edited ${i + 1}`])
      const redone = at(entry => digestAnew({ ...entry, actor_id: 'key_2' }))
      expect(kinds(redone, head)).toEqual([`edited ${i + 1}`])
      expect(kinds(entries.toSpliced(i, 1), head)).toEqual([`deleted ${i + 1}`])
      const closed = entries.toSpliced(i, 1).map((entry, j) => ({ ...entry, seq: j + 1 }))
      expect(kinds(closed, head)).toEqual([`deleted ${i + 1}`])
      const strange = digestAnew({ ...entries[i]!, id: randomUUID(), subject_id: 'strange' })
      const opened = entries.toSpliced(i, 0, strange).map((entry, j) => ({ ...entry, seq: j + 1 }))
      expect(kinds(opened, head).map(fault => fault.split(' ')[0])).toContain('inserted')
      const swapped = at(() => ({ ...entries[i + 1]!, seq: i + 1 }))
      swapped[i + 1] = { ...entries[i]!, seq: i + 2 }
      expect(kinds(swapped, head)).toEqual([`reordered ${i + 2}`])
      expect(kinds(entries.slice(0, i + 1), head)).toEqual([`truncated ${i + 2}`])
    }),
    { numRuns: 50 },
  )
})

test('an edited last entry with a new digest is found by the recorded end of the chain', () => {
  const { entries, head } = aChain(5)
  const last = digestAnew({ ...entries[4]!, subject_id: 'other' })
  expect(kinds([...entries.slice(0, 4), last], head)).toEqual(['edited 5'])
})

function walked(entries: readonly StoredEntry[], head: ChainEnd | undefined, noted?: ChainEnd) {
  const walk = openChainWalk(noted)
  for (const entry of entries) walk.take(entry)
  return walk.endsIn(head) ? (walk.notedFault(head)?.kind ?? 'intact') : 'damaged'
}

test('a walk that holds no entry takes a damaged chain for intact, or an intact one for damaged', () => {
  fc.assert(
    fc.property(fc.integer({ min: 4, max: 30 }), fc.nat(), (length, pick) => {
      const { entries, head } = aChain(length)
      const i = pick % length
      expect(walked(entries, head)).toBe('intact')
      const edited = entries.map((entry, j) => (j === i ? { ...entry, action: 'event.other' } : entry))
      const redone = entries.map((entry, j) => (j === i ? digestAnew({ ...entry, actor_id: 'k' }) : entry))
      const closed = entries.toSpliced(i, 1).map((entry, j) => ({ ...entry, seq: j + 1 }))
      const twice = entries.toSpliced(i, 0, { ...entries[i]! })
      const strange = digestAnew({ ...entries[i]!, id: randomUUID(), seq: length + 1 })
      for (const damaged of [edited, redone, entries.toSpliced(i, 1), closed, twice, [...entries, strange]]) {
        expect(walked(damaged, head)).toBe('damaged')
        expect(findChainFaults(damaged, head)).not.toEqual([])
      }
    }),
    { numRuns: 50 },
  )
  expect([walked([], undefined), walked(aChain(3).entries, undefined)]).toEqual(['intact', 'damaged'])
})

test('a walk names an end that was noted and is not the chain’s, without the chain being read again', () => {
  const { entries, head } = aChain(9)
  const at = (seq: number): ChainEnd => ({ seq, sha256: entries[seq - 1]!.sha256 })
  expect(walked(entries, head, at(4))).toBe('intact')
  expect(walked(entries, head, { ...at(4), sha256: at(5).sha256 })).toBe('edited')
  expect(walked(entries.slice(0, 6), at(6), head)).toBe('truncated')
  expect(walked(entries, head, { seq: 0, sha256: new Uint8Array(0) })).toBe('intact')
})
