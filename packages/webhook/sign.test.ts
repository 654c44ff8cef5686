import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { openScheme } from './open.ts'
import { openSigningSecret, publicKeyOf, signDelivery } from './sign.ts'
import vectors from './vectors/provider-vectors.json' with { type: 'json' }

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

/** The private key that goes with the public one of the published vector `std-v1a-published`, from the same source. */
const publishedPrivate = '6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc='
const publishedPublic = '1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4='
const publishedPair = Buffer.concat(
  [publishedPrivate, publishedPublic].map(half => Buffer.from(half, 'base64')),
)

test.each([
  ['the private key', `whsk_${publishedPrivate}`],
  ['both keys', `whsk_${publishedPair.toString('base64')}`],
])('v1a as published, from a secret of %s', (_name, secret) => {
  const vector = vectors.find(({ id }) => id === 'std-v1a-published')!
  const key = openSigningSecret(secret)
  expect(signDelivery('msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, Buffer.from(vector.body!), [key])).toBe(
    vector.headers['webhook-signature'],
  )
  expect(publicKeyOf(key)).toBe(vector.secret)
})

test('a delivery signed with a shared and a private key is accepted by who knows either', async () => {
  const privateKey = openSigningSecret(`whsk_${publishedPrivate}`)
  const now = 1_790_000_000
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async body => {
      const headers = {
        'webhook-id': 'evt_1',
        'webhook-timestamp': `${now}`,
        'webhook-signature': signDelivery('evt_1', now, body, [privateKey, keys[0]!]),
      }
      const request = { method: 'POST', url: '/', headers, body }
      for (const [provider, secret] of [
        ['standard-webhooks', newSecret],
        ['standard-webhooks-v1a', publicKeyOf(privateKey)!],
      ] as const) {
        const scheme = openScheme({ provider, secrets: [secret] })
        expect(await scheme.verify(request, now * 1000)).toMatchObject({ kind: 'valid' })
      }
    }),
  )
})

test.each([
  ['no prefix', Buffer.alloc(32).toString('base64')],
  ['too short', `whsec_${Buffer.alloc(23).toString('base64')}`],
  ['an ed25519 key that is too short', `whsk_${Buffer.alloc(31).toString('base64')}`],
  ['a public key that is not its own', `whsk_${Buffer.alloc(64).toString('base64')}`],
  ['a public key alone', `whpk_${Buffer.alloc(32).toString('base64')}`],
  ['too long', `whsec_${Buffer.alloc(65).toString('base64')}`],
])('a secret with %s is refused, and not told', (_name, secret) => {
  expect(() => openSigningSecret(secret)).toThrow(TypeError)
  expect(() => openSigningSecret(secret)).not.toThrow(secret.slice(6))
})
