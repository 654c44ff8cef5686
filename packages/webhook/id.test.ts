import fc from 'fast-check'
import { expect, test } from 'vitest'
import { deliveryId, eventId, fromUuid, newId, parseId, toUuid } from './id.ts'

const organization = newId('org', 1_760_000_000_000)

test('a UUID and its id are the same value', () => {
  fc.assert(
    fc.property(fc.uuid(), uuid => {
      expect(toUuid(fromUuid('org', uuid))).toBe(uuid)
      expect(parseId('org', fromUuid('org', uuid))).toBeDefined()
    }),
  )
})

test('the extremes have 26 characters', () => {
  expect(fromUuid('org', '00000000-0000-0000-0000-000000000000')).toBe(`org_${'0'.repeat(26)}`)
  expect(fromUuid('org', 'ffffffff-ffff-ffff-ffff-ffffffffffff')).toBe(`org_7${'z'.repeat(25)}`)
})

test('ids made later sort later', () => {
  expect(newId('src', 1_000) < newId('src', 2_000)).toBe(true)
})

test.each([
  ['another kind', 'src_00000000000000000000000000'],
  ['upper case', 'org_0000000000000000000000000Z'],
  ['too large for 128 bits', 'org_80000000000000000000000000'],
  ['a letter that the alphabet leaves out', 'org_0000000000000000000000000u'],
  ['empty', ''],
])('%s is not an id', (_name, text) => {
  expect(parseId('org', text)).toBeUndefined()
})

test('the same delivery has the same event id; another organization, source or delivery has another', () => {
  const other = newId('org', 1_760_000_000_001)
  const ids = [
    eventId(organization, 'stripe', { id: 'evt_1' }),
    eventId(organization, 'stripe', { id: 'evt_2' }),
    eventId(organization, 'stripe2', { id: 'evt_1' }),
    eventId(other, 'stripe', { id: 'evt_1' }),
    eventId(organization, 'stripe', { body: Buffer.from('evt_1') }),
  ]
  expect(new Set(ids).size).toBe(ids.length)
  expect(eventId(organization, 'stripe', { id: 'evt_1' })).toBe(ids[0])
})

test('a delivery id depends on event and destination', () => {
  const event = eventId(organization, 'stripe', { id: 'evt_1' })
  const destination = newId('dst', 1)
  expect(deliveryId(event, destination)).toBe(deliveryId(event, destination))
  expect(deliveryId(event, newId('dst', 2))).not.toBe(deliveryId(event, destination))
})
