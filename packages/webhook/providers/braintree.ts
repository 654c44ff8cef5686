import { createHash, createHmac } from 'node:crypto'
import type { WebhookRequest } from '../scheme.ts'
import { findHmacKey, openSecretKeys } from '../verify/find-hmac-key.ts'
import { scanForm } from '../verify/form.ts'
import { formValue, readForm } from '../verify/form-fields.ts'
import { echo, isOneOf, queryChallenge } from '../verify/handshake.ts'
import { invalid } from '../verify/verdict.ts'
import type { HandshakeDefinition, OpenVerify, Provider, SignSample } from './provider.ts'

/** Pairs of public key and signature in one request; Braintree sends one for each key of the merchant. */
const maxSignatures = 16

const open: OpenVerify = config => {
  const keys = openSecretKeys(config, 'sha1-of-utf8')
  const publicKey = String(config.options?.publicKey)
  return request => {
    const form = readForm(request.body)
    if (!form) return invalid('body_unreadable', 'expected a form of at most 1 MiB and 2,000 fields')
    const [signature, payload] = [formValue(form, 'bt_signature'), formValue(form, 'bt_payload')]
    if (!signature) return invalid('signature_missing', 'no bt_signature in the form')
    if (!payload || !/^[A-Za-z0-9+/=\n]+$/.test(payload)) {
      return invalid('body_unreadable', 'no bt_payload in the form, or not base64')
    }
    const pairs = signature.split('&', maxSignatures).map(pair => pair.split('|', 2))
    const candidates = pairs.flatMap(([key, hex]) => (key && hex && isOneOf(key, [publicKey]) ? [hex] : []))
    if (candidates.length === 0) return invalid('key_unknown', 'no signature of this public key')
    // Braintree's library accepts the payload with and without a newline behind it.
    for (const text of [payload, `${payload}\n`]) {
      const secret = findHmacKey('sha1', keys, [text], candidates, 'hex')
      if (secret !== undefined) return { kind: 'valid', secret }
    }
    return invalid('signature_mismatch')
  }
}

function hexOf(secret: string, text: string): string {
  return createHmac('sha1', createHash('sha1').update(secret).digest()).update(text).digest('hex')
}

const handshake: HandshakeDefinition = {
  text: 'GET with bt_challenge: publicKey|HMAC of it as text/plain',
  answer(request, { config, secret }) {
    const challenge = queryChallenge(request, 'GET', 'bt_challenge')
    if (challenge === undefined || !/^[a-f0-9]{20,32}$/.test(challenge) || secret === undefined)
      return undefined
    return echo(`${config.options?.publicKey}|${hexOf(secret, challenge)}`)
  },
}

/** `<kind>` of the XML in the payload's first kilobyte. */
function kindOf(request: WebhookRequest): string | undefined {
  const payload = scanForm(request.body, 'bt_payload')
  if (payload === undefined) return undefined
  const xml = Buffer.from(payload.slice(0, 1366), 'base64').toString()
  return /<kind>([a-z0-9_]{1,100})<\/kind>/.exec(xml)?.[1]
}

const sign: SignSample = (request, config) => {
  openSecretKeys(config, 'sha1-of-utf8')
  const payload = formValue(readForm(request.body) ?? [], 'bt_payload') ?? ''
  const signature = `${config.options?.publicKey}|${hexOf(config.secrets[0]!, payload)}`
  return { body: new URLSearchParams({ bt_signature: signature, bt_payload: payload }).toString() }
}

const samplePayload = `${Buffer.from(
  '<notification>\n  <timestamp type="datetime">2026-05-02T09:00:00Z</timestamp>\n  <kind>subscription_charged_successfully</kind>\n  <subject><subscription><id>example</id></subscription></subject>\n</notification>\n',
).toString('base64')}\n`

export const braintree: Provider = {
  name: 'braintree',
  title: 'Braintree',
  documentation: 'https://developer.paypal.com/braintree/docs/guides/webhooks/parse/node',
  copy: { what: 'Private key, and the public key as an option', where: 'Control Panel → API → Keys' },
  options: [{ name: 'publicKey', required: true, text: 'the public key that belongs to the private one' }],
  scheme: {
    kind: 'code',
    open,
    text: {
      where: 'form fields bt_signature (publicKey|hex pairs) and bt_payload',
      algorithm: 'HMAC-SHA1, hex',
      content: 'bt_payload as it stands',
      key: 'the SHA-1 digest of the private key’s text',
    },
    sign,
  },
  identity: {
    names: 'nothing',
    repeats: 'body',
    type: [{ find: kindOf, text: 'bt_payload `<kind>`' }],
    apart: 'the kind, the timestamp and the subject in bt_payload',
    kept: 'the body',
    source:
      'https://developer.paypal.com/braintree/docs/guides/webhooks/parse for kind and timestamp, memory for repeats',
  },
  answer: { text: '2xx', timeoutSeconds: 30 },
  retries: 'hourly, for 3 hours in the sandbox and 24 live',
  handshake,
  sample: {
    contentType: 'application/x-www-form-urlencoded',
    body: new URLSearchParams({ bt_payload: samplePayload }).toString(),
  },
  provenance: { scheme: 'run', by: 'braintree', fromMemory: ['copy'] },
}
