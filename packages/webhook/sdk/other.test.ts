import { createHash, createSign, generateKeyPairSync } from 'node:crypto'
import { createRequire } from 'node:module'
import { signRequest, verifyRequest } from '@contentful/node-apps-toolkit'
import { EventWebhook } from '@sendgrid/eventwebhook'
import { Receiver } from '@upstash/qstash'
import { verifySignature as verifyVonage } from '@vonage/jwt'
import { verifyKey } from 'discord-interactions'
import fc from 'fast-check'
import { OAuth2Client } from 'google-auth-library'
import { SignJWT } from 'jose'
import { describe, expect, test, vi } from 'vitest'
import { aCertificate } from '../fuzz/a-certificate-authority.ts'
import { openScheme } from '../open.ts'
import { hexSecret, jsonBody, openComparisons } from './compare.ts'
import { compared } from './compared.ts'

const { checkComparisons, compareWithSdk, noteComparison } = openComparisons(compared.other)

const require = createRequire(import.meta.url)
const twilio = require('twilio/lib/webhooks/webhooks.js')
const HmacValidator = require('@adyen/api-library/lib/src/utils/hmacValidator.js').default
const plivo = require('plivo/dist/utils/v3Security.js')
const braintree = require('braintree')
const MessageValidator = require('sns-validator')
const messagebird = require('messagebird/lib/webhook-signature-jwt.js')

const formBody = fc
  .array(
    fc.tuple(
      fc.constantFrom('From', 'To', 'Body', 'Digits', 'a b'),
      fc.string({ unit: 'grapheme', maxLength: 20 }),
    ),
    {
      minLength: 1,
      maxLength: 8,
    },
  )
  .map(fields => new URLSearchParams(fields).toString())

/** A form as a web framework hands it on: repeated names as lists. */
function formFields(body: string): Record<string, string | string[]> {
  const form = new URLSearchParams(body)
  return Object.fromEntries(
    [...new Set(form.keys())].map(name => {
      const values = form.getAll(name)
      return [name, values.length === 1 ? values[0]! : values]
    }),
  )
}

const twilioUrl = 'https://hooks.example.com:8443/webhooks/acme/twilio?foo=1&bar=2'
compareWithSdk({
  provider: 'twilio',
  url: twilioUrl,
  body: formBody,
  accepts: ({ body, header, secret, url }) =>
    twilio.validateRequest(secret, header('x-twilio-signature'), url, formFields(body)),
  signs: ({ body, secret, url }) => ({
    headers: { 'x-twilio-signature': twilio.getExpectedTwilioSignature(secret, url, formFields(body)) },
  }),
})

describe('twilio with JSON', () => {
  test('accepts what its package signs, with any form of the URL', () => {
    fc.assert(
      fc.property(
        jsonBody,
        fc.constantFrom('https://a.example/x?q=it%27s', 'https://a.example:8443/x'),
        (body, base) => {
          const url = `${base}${base.includes('?') ? '&' : '?'}bodySHA256=${twilio.getExpectedBodyHash(body)}`
          const scheme = openScheme({ provider: 'twilio', secrets: ['token'] })
          for (const signedUrl of [
            url,
            url.replace(':8443', ''),
            url.replace('.example/', '.example:443/'),
          ]) {
            const signature = twilio.getExpectedTwilioSignature('token', signedUrl, {})
            const request = {
              method: 'POST',
              url,
              headers: { 'x-twilio-signature': signature },
              body: Buffer.from(body),
            }
            const theirs = twilio.validateRequestWithBody('token', signature, url, body)
            expect(scheme.verify(request, 0)).toMatchObject({ kind: theirs ? 'valid' : 'invalid' })
            expect(scheme.verify({ ...request, body: Buffer.from(`${body} `) }, 0)).toMatchObject({
              kind: 'invalid',
            })
          }
        },
      ),
      { numRuns: 20 },
    )
  })
})

compareWithSdk({
  provider: 'plivo',
  url: 'https://hooks.example.com/webhooks/acme/plivo?b=2&a=1',
  body: formBody,
  accepts: ({ body, header, secret, url }) =>
    plivo.validateV3Signature(
      'POST',
      url,
      header('x-plivo-signature-v3-nonce'),
      secret,
      header('x-plivo-signature-v3'),
      formFields(body),
    ),
})

const adyenBody = fc
  .record({
    amount: fc.record({ currency: fc.constantFrom('EUR', 'USD'), value: fc.nat() }),
    eventCode: fc.constantFrom('AUTHORISATION', 'CAPTURE'),
    merchantAccountCode: fc.string({ unit: 'grapheme', maxLength: 12 }),
    merchantReference: fc.string({ maxLength: 12 }),
    pspReference: fc.string({ maxLength: 16 }),
    success: fc.constantFrom('true', 'false'),
    reason: fc.string(),
  })
  .map(item =>
    JSON.stringify({
      live: 'false',
      notificationItems: [{ NotificationRequestItem: { additionalData: {}, ...item } }],
    }),
  )
compareWithSdk({
  provider: 'adyen',
  secret: hexSecret,
  body: adyenBody,
  accepts: ({ body, secret }) =>
    new HmacValidator().validateHMAC(JSON.parse(body).notificationItems[0].NotificationRequestItem, secret),
  signs: ({ body, secret }) => {
    const message = JSON.parse(body)
    const item = message.notificationItems[0].NotificationRequestItem
    item.additionalData = { hmacSignature: new HmacValidator().calculateHmac(item, secret) }
    return { headers: {}, body: JSON.stringify(message) }
  },
})

compareWithSdk({
  provider: 'adyen-platform',
  secret: hexSecret,
  accepts: ({ body, header, secret }) =>
    new HmacValidator().validateHMACSignature(secret, header('hmacsignature'), body),
})

compareWithSdk({
  provider: 'contentful',
  secret: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytes => Buffer.from(bytes).toString('hex')),
  url: 'https://hooks.example.com/webhooks/acme/contentful?x=1&y=a%20b',
  clock: [29, 30, 31],
  accepts: ({ body, headers, secret, url }) =>
    verifyRequest(secret, {
      method: 'POST',
      path: url.slice('https://hooks.example.com'.length),
      headers: { ...headers },
      body,
    }),
  signs: ({ body, secret, url, nowMs }) => {
    const headers = {
      'content-type': 'application/json',
      'x-contentful-topic': 'ContentManagement.Entry.publish',
    }
    const path = url.slice('https://hooks.example.com'.length)
    return { headers: { ...headers, ...signRequest(secret, { method: 'POST', path, headers, body }, nowMs) } }
  },
})

const base64Form = jsonBody.map(text =>
  new URLSearchParams({
    bt_payload: `${Buffer.from(`<notification><kind>check</kind><subject>${Buffer.from(text).toString('hex')}</subject></notification>`).toString('base64')}\n`,
  }).toString(),
)
function braintreeGateway(secret: string) {
  return new braintree.BraintreeGateway({
    environment: braintree.Environment.Sandbox,
    merchantId: 'merchant',
    publicKey: 'pubkey1',
    privateKey: secret,
  })
}
compareWithSdk({
  provider: 'braintree',
  options: { publicKey: 'pubkey1' },
  body: base64Form,
  accepts: ({ body, secret }) => {
    const form = new URLSearchParams(body)
    // Its parse() goes on to read the event, which isn't ours to invent; this is its check of the signature.
    const gateway = braintreeGateway(secret).webhookNotification
    return gateway.validateSignature(form.get('bt_signature'), form.get('bt_payload')) === null
  },
  signs: ({ secret }) => {
    const sample = braintreeGateway(secret).webhookTesting.sampleNotification('check', 'id')
    return { headers: {}, body: new URLSearchParams(sample).toString() }
  },
})

test('braintree answers our challenge alike', () => {
  const secret = 'privkey1'
  const url = 'https://hooks.example.com/x?bt_challenge=20f9f8ed05f77439fe955c977e4c8a53'
  const scheme = openScheme({ provider: 'braintree', secrets: [secret], options: { publicKey: 'pubkey1' } })
  const answer = scheme.handshake({ method: 'GET', url, headers: {}, body: Buffer.alloc(0) }, false, 0)
  expect(answer?.body).toBe(
    braintreeGateway(secret).webhookNotification.verify('20f9f8ed05f77439fe955c977e4c8a53'),
  )
})

const keys = generateKeyPairSync('ed25519')
const discordKey = keys.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex')
const pem = { format: 'pem', type: 'pkcs8' } as const
compareWithSdk({
  provider: 'discord',
  secret: fc.constant(discordKey),
  privateKey: keys.privateKey.export(pem).toString(),
  accepts: ({ body, header, secret }) =>
    verifyKey(body, header('x-signature-ed25519'), header('x-signature-timestamp'), secret),
})

const ecKeys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
compareWithSdk({
  provider: 'sendgrid',
  secret: fc.constant(ecKeys.publicKey.export({ format: 'der', type: 'spki' }).toString('base64')),
  privateKey: ecKeys.privateKey.export(pem).toString(),
  accepts: ({ body, header, secret }) => {
    const webhook = new EventWebhook()
    return webhook.verifySignature(
      webhook.convertPublicKeyToECDSA(secret),
      body,
      header('x-twilio-email-event-webhook-signature'),
      header('x-twilio-email-event-webhook-timestamp'),
    )
  },
})

compareWithSdk({
  provider: 'upstash-qstash',
  clock: [-1, 299, 300, 301],
  accepts: ({ body, header, secret, url }) =>
    new Receiver({ currentSigningKey: secret, nextSigningKey: 'next' }).verify({
      body,
      signature: header('upstash-signature'),
      url,
    }),
})

compareWithSdk({
  provider: 'messagebird',
  clock: [-6, -5, 304, 305, 306],
  accepts: ({ body, header, secret, url }) =>
    messagebird.verify(url, Buffer.from(body), header('messagebird-signature-jwt'), Buffer.from(secret)),
})

compareWithSdk({
  provider: 'vonage-messages',
  accepts: ({ body, header, secret }) => {
    const token = header('authorization').slice('Bearer '.length)
    const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())
    // The package checks the signature; the body's digest is left to its user.
    return (
      verifyVonage(token, secret) && claims.payload_hash === createHash('sha256').update(body).digest('hex')
    )
  },
})

const sha256 = (body: string) => createHash('sha256').update(body).digest()
const jwt = (claims: Record<string, unknown>, secret: string, alg = 'HS256') =>
  new SignJWT(claims).setProtectedHeader({ alg }).sign(Buffer.from(secret))
compareWithSdk({
  provider: 'netlify',
  signs: async ({ body, secret }) => ({
    headers: {
      'x-webhook-signature': await jwt({ iss: 'netlify', sha256: sha256(body).toString('hex') }, secret),
    },
  }),
})

noteComparison('google-pubsub-oidc')
describe('google-pubsub-oidc', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pemKey = rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString()
  const issuers = ['https://accounts.google.com', 'accounts.google.com']
  const now = 1_760_000_000

  test('agrees with Google’s library about issuers, audiences and times', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...issuers, 'https://evil.example'),
        fc.constantFrom('https://example.com/push', 'other'),
        fc.constantFrom(-3600, -301, -300, -299, 0, 3600),
        fc.constantFrom(-3600, 0, 299, 300, 301),
        async (iss, aud, expiresIn, issuedIn) => {
          const token = await new SignJWT({ iss, aud, iat: now + issuedIn, exp: now + expiresIn })
            .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
            .sign(rsa.privateKey)
          const options = { audience: 'https://example.com/push', certs: { k1: pemKey } }
          const scheme = openScheme({ provider: 'google-pubsub-oidc', secrets: [], options })
          const headers = { authorization: `Bearer ${token}` }
          const ours = await scheme.verify(
            { method: 'POST', url: '', headers, body: Buffer.alloc(0) },
            now * 1000,
          )
          expect(ours.kind === 'valid').toBe(await googleAccepts(token))
        },
      ),
      { numRuns: 60 },
    )
  })

  async function googleAccepts(token: string): Promise<boolean> {
    vi.useFakeTimers({ toFake: ['Date'] })
    vi.setSystemTime(now * 1000)
    try {
      await new OAuth2Client().verifySignedJwtWithCertsAsync(
        token,
        { k1: pemKey },
        'https://example.com/push',
        issuers,
      )
      return true
    } catch {
      return false
    } finally {
      vi.useRealTimers()
    }
  }
})

noteComparison('aws-sns')
describe('aws-sns', () => {
  const { certificate, privateKey } = aCertificate({ commonName: 'sns.amazonaws.com' })
  const validator = new MessageValidator()
  // The package fetches the certificate itself; its cache is the only way in.
  const url = 'https://sns.us-west-2.amazonaws.com/SimpleNotificationService-test.pem'

  test('agrees about messages of both versions, with and without a subject', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('1', '2'),
        fc.option(fc.string({ unit: 'grapheme', maxLength: 20 }), { nil: undefined }),
        fc.string({ unit: 'grapheme', maxLength: 40 }),
        fc.boolean(),
        async (version, subject, text, isChanged) => {
          const message: Record<string, string> = {
            Type: 'Notification',
            MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
            TopicArn: 'arn:aws:sns:us-west-2:123456789012:MyTopic',
            ...(subject !== undefined && { Subject: subject }),
            Message: text,
            Timestamp: '2026-05-02T00:54:06.655Z',
            SignatureVersion: version,
            SigningCertURL: url,
          }
          const names = ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'].filter(
            name => name in message,
          )
          const signed = names.map(name => `${name}\n${message[name]}\n`).join('')
          message.Signature = createSign(version === '1' ? 'sha1' : 'sha256')
            .update(signed)
            .sign(privateKey, 'base64')
          if (isChanged) message.Message += '!'
          const scheme = openScheme({ provider: 'aws-sns', secrets: [] }, async () => certificate)
          const request = { method: 'POST', url: '', headers: {}, body: Buffer.from(JSON.stringify(message)) }
          const ours = await scheme.verify(request, Date.parse('2026-05-02T00:54:06Z'))
          expect(ours.kind).toBe((await theirsAccepts(message)) ? 'valid' : 'invalid')
        },
      ),
      { numRuns: 30 },
    )
  })

  async function theirsAccepts(message: Record<string, string>): Promise<boolean> {
    const https = require('node:https')
    const get = https.get
    https.get = (_url: string, onResponse: (response: unknown) => void) => {
      const handlers: Record<string, (chunk?: Buffer) => void> = {}
      const response = {
        statusCode: 200,
        on(name: string, run: () => void) {
          handlers[name] = run
          return response
        },
      }
      queueMicrotask(() => {
        onResponse(response)
        handlers.data?.(Buffer.from(certificate))
        handlers.end?.()
      })
      return { on: () => undefined }
    }
    try {
      return await new Promise(resolve => validator.validate(message, (error: unknown) => resolve(!error)))
    } finally {
      https.get = get
    }
  }
})

checkComparisons()
