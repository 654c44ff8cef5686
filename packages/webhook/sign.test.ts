import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { openSigningSecret, signDelivery } from './sign.ts'

const oldSecret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
const newSecret = `whsec_${Buffer.alloc(32, 2).toString('base64')}`
const keys = [openSigningSecret(newSecret), openSigningSecret(oldSecret)]

test('the official library accepts what is signed, with the new and with the old secret', () => {
  const now = Math.floor(Date.now() / 1000)
  fc.assert(
    fc.property(fc.json(), body => {
      const headers = {
        'webhook-id': 'evt_1',
        'webhook-timestamp': `${now}`,
        'webhook-signature': signDelivery('evt_1', now, Buffer.from(body), keys),
      }
      for (const secret of [oldSecret, newSecret]) {
        expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body))
      }
    }),
  )
})

test.each([
  ['no prefix', Buffer.alloc(32).toString('base64')],
  ['too short', `whsec_${Buffer.alloc(23).toString('base64')}`],
  ['too long', `whsec_${Buffer.alloc(65).toString('base64')}`],
])('a secret with %s is refused', (_name, secret) => {
  expect(() => openSigningSecret(secret)).toThrow(TypeError)
})
