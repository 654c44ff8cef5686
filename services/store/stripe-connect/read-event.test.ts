import { expect, test } from 'vitest'
import { endsConnection, readConnectEvent } from './read-event.ts'

const event = { id: 'evt_1', account: 'acct_1', type: 'invoice.paid', livemode: true, created: 1_800_000_000 }
const read = (body: unknown) => readConnectEvent(Buffer.from(JSON.stringify(body)))

test('an event goes to the account that it names', () => {
  expect(read(event)).toEqual({
    kind: 'of_account',
    account: 'acct_1',
    id: 'evt_1',
    type: 'invoice.paid',
    mode: 'live',
    createdSeconds: 1_800_000_000,
    isDeauthorization: false,
  })
  expect(read({ ...event, livemode: false })).toMatchObject({ mode: 'test' })
  expect(read({ ...event, type: 'account.application.deauthorized' })).toMatchObject({
    isDeauthorization: true,
  })
})

test.each([
  ['no account', { ...event, account: undefined }],
  ['an account that is no text', { ...event, account: ['acct_1'] }],
  ['an account of another form', { ...event, account: 'acct_1/../acct_2' }],
  [
    'an account inside the object alone',
    { ...event, account: undefined, data: { object: { account: 'acct_1' } } },
  ],
  ['no id', { ...event, id: '' }],
  ['no mode', { ...event, livemode: 'true' }],
  ['no object', [event]],
  ['null', null],
])('an event with %s goes to nobody', (_what, body) => {
  expect(read(body)).toEqual({ kind: 'of_nobody' })
})

test('bytes that are no JSON go to nobody', () => {
  for (const bytes of [Buffer.from('{'), Buffer.from([0xff, 0x7b]), Buffer.alloc(0)])
    expect(readConnectEvent(bytes)).toEqual({ kind: 'of_nobody' })
})

test('a deauthorization that comes late does not end the connection that followed it', () => {
  const connectedAt = new Date(1_800_000_000_500)
  expect(endsConnection(1_799_999_999, connectedAt)).toBe(false)
  expect(endsConnection(1_800_000_000, connectedAt)).toBe(true)
  expect(endsConnection(1_800_000_001, connectedAt)).toBe(true)
})
