import { deliveryId, newId } from '@fairlead/webhook/id'
import { expect, test } from 'vitest'
import { type DeliveryReference, decodeDelivery, encodeDelivery } from './delivery.ts'
import { decodeEventMeta, type EventMeta, encodeEventMeta } from './event.ts'

const meta: EventMeta = {
  id: newId('evt', 1),
  organization: newId('org', 1),
  source: 'github',
  sourceId: newId('src', 1),
  provider: 'github',
  revision: 7,
  type: 'push',
  types: ['push', 'ping'],
  receivedAt: 1_700_000_000_000,
  method: 'POST',
  url: '/webhooks/acme/github',
  headers: ['content-type', 'application/json'],
  size: 2,
  secret: 'acme/github',
  mode: 'test',
  account: 'acct_1M',
  search: ['-9223372036854775808', '7'],
}
const destination = newId('dst', 1)
const reference: DeliveryReference = {
  delivery: deliveryId(meta.id, destination),
  event: meta.id,
  organization: meta.organization,
  destination,
  source: 'github',
  receivedAt: meta.receivedAt,
  stored: { stream: 'EVENTS', seq: 5 },
  attempt: 2,
  spent: 1,
  of: 3,
  order: { key: 'a', maxWaitSeconds: 300 },
  bytes: 2,
  trigger: 'replay',
  replay: newId('rpl', 1),
}
const readDelivery = (value: unknown) => decodeDelivery(Buffer.from(JSON.stringify(value)))
const readMeta = (value: unknown) => decodeEventMeta(JSON.stringify(value))

test('what is written is read', () => {
  expect(decodeEventMeta(encodeEventMeta(meta))).toEqual(meta)
  expect(decodeDelivery(Buffer.from(encodeDelivery(reference)))).toEqual(reference)
})

test('what was stored before there were these fields stays readable', () => {
  const {
    revision: _,
    types: _types,
    secret: _secret,
    mode: _mode,
    account: _account,
    search: _search,
    ...oldMeta
  } = meta
  expect(readMeta(oldMeta)).toEqual({ ...oldMeta, revision: 0 })
  const { of: _of, bytes: _bytes, order: _order, replay: _replay, ...oldReference } = reference
  expect(readDelivery(oldReference)).toEqual({ ...oldReference, of: 1, bytes: 0 })
})

/** Each field with values that it can't have; those that may be absent have no undefined among them. */
const wrongMeta: Record<keyof EventMeta, readonly unknown[]> = {
  id: [undefined, null, 'evt_', newId('org', 1), 5],
  organization: [undefined, '', newId('evt', 1)],
  source: [undefined, 5, null],
  sourceId: [undefined, 'src_x', {}],
  provider: [undefined, 5],
  revision: ['7', null],
  type: [undefined, []],
  types: ['push', [5], null],
  receivedAt: [undefined, '1', null],
  method: [undefined, 5],
  url: [undefined, 5],
  headers: [undefined, 'a', [5], {}],
  size: [undefined, '2'],
  secret: [5, null],
  mode: ['', 'Test', null, 5],
  account: [5, null],
  search: ['1', [1], ['x'], ['9223372036854775808'], null],
  to: [5, null, 'dst_', newId('org', 1)],
}
const wrongReference: Record<keyof DeliveryReference, readonly unknown[]> = {
  delivery: [undefined, 'dlv_', meta.id],
  event: [undefined, destination],
  organization: [undefined, 5],
  destination: [undefined, 'x'],
  source: [undefined, 5],
  receivedAt: [undefined, '1'],
  stored: [undefined, null, 'EVENTS', { stream: 'OTHER', seq: 1 }, { stream: 'EVENTS', seq: 0 }],
  attempt: [undefined, 0, 1.5, '1'],
  spent: [undefined, -1],
  of: [0, null],
  order: [null, 'a', { key: 5, maxWaitSeconds: 1 }, { key: 'a', maxWaitSeconds: 0 }],
  bytes: [-1, '2'],
  trigger: [undefined, 'other'],
  replay: ['rpl_', 5, null],
}
const cases = (wrong: Record<string, readonly unknown[]>) =>
  Object.entries(wrong).flatMap(([field, values]) => values.map(value => [field, value] as const))

test.each(cases(wrongMeta))('an event whose %s is %j is refused', (field, value) => {
  expect(() => readMeta({ ...meta, [field]: value })).toThrow(
    expect.objectContaining({ code: 'event_unreadable' }),
  )
})

test.each(cases(wrongReference))('a delivery whose %s is %j is refused', (field, value) => {
  expect(() => readDelivery({ ...reference, [field]: value })).toThrow(
    expect.objectContaining({ code: 'delivery_unreadable' }),
  )
})

test.each(['', '[]', 'null', '5', '{', '"text"'])('what is no object is refused: %s', text => {
  expect(() => decodeEventMeta(text)).toThrow(expect.objectContaining({ code: 'event_unreadable' }))
  expect(() => decodeDelivery(Buffer.from(text))).toThrow(
    expect.objectContaining({ code: 'delivery_unreadable' }),
  )
})
