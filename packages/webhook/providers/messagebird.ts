import { createHash } from 'node:crypto'
import { decode } from '../verify/decode.ts'
import { findHmacKey, openSecretKeys } from '../verify/find-hmac-key.ts'
import { type FormField, readFormText } from '../verify/form-fields.ts'
import { headerText } from '../verify/header.ts'
import { checkTimestamp, type TimestampRule, toleranceOf } from '../verify/timestamp.ts'
import { invalid } from '../verify/verdict.ts'
import type { OpenVerify, Provider } from './provider.ts'

/*
 * Three signatures are alive at once: a JWT, and without one MessageBird-Signature, an HMAC over time, sorted query and
 * body (MessageBird's older APIs) or over time, URL and body (Bird's).
 *   https://developers.messagebird.com/docs/verify-http-requests
 *   https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions/verifying-a-webhook-subscription
 */

const timestampRule: TimestampRule = { unit: 's', past: 300, future: null }

/** The caller reports this header as missing where a request has neither signature. */
const openSignature: OpenVerify = config => {
  const keys = openSecretKeys(config, 'utf8')
  const rule = toleranceOf(timestampRule, config.toleranceSeconds)
  return (request, nowMs) => {
    const signature = headerText(request.headers, 'messagebird-signature') ?? ''
    if (decode(signature, 'base64')?.length !== 32) return invalid('signature_malformed', 'expected base64')
    const timestamp = headerText(request.headers, 'messagebird-request-timestamp')
    if (timestamp === undefined)
      return invalid('timestamp_missing', 'no header messagebird-request-timestamp')
    const bodyHash = createHash('sha256').update(request.body).digest()
    for (const address of [sortedQuery(request.url), request.url]) {
      if (address === undefined) continue
      const text = `${timestamp}\n${address}\n`
      const secret = findHmacKey('sha256', keys, [text, bodyHash], [signature], 'base64')
      if (secret !== undefined) return checkTimestamp(timestamp, rule, nowMs) ?? { kind: 'valid', secret }
    }
    return invalid('signature_mismatch')
  }
}

/** The query's fields by name, written as MessageBird's libraries write them. Undefined beyond a form's bounds. */
function sortedQuery(url: string): string | undefined {
  const start = url.indexOf('?')
  const fields = start < 0 ? [] : readFormText(url.slice(start + 1))
  return fields
    ?.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map(({ name, value }: FormField) => `${escapeQuery(name)}=${escapeQuery(value)}`)
    .join('&')
}

/** As Go and Python escape a query: a blank is `+`, and only letters, digits and `-_.~` stay. */
function escapeQuery(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replaceAll('%20', '+')
    .replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

export const messagebird: Provider = {
  name: 'messagebird',
  title: 'Bird (MessageBird)',
  documentation: 'https://developers.messagebird.com/api/#verifying-http-requests',
  copy: { what: 'Signing key', where: 'Dashboard → Developer settings → Signing keys' },
  scheme: {
    kind: 'jwt',
    header: 'messagebird-signature-jwt',
    algorithms: ['HS256', 'HS384', 'HS512'],
    issuers: ['MessageBird'],
    bodyHash: { claim: 'payload_hash', encoding: 'hex', absentWhenEmpty: true },
    url: { claim: 'url_hash', hashed: true },
    required: ['exp', 'nbf'],
    leewaySeconds: 5,
    orSigned: {
      header: 'messagebird-signature',
      open: openSignature,
      text: 'HMAC-SHA256, base64, of `messagebird-request-timestamp`, the sorted query or the URL, and the body’s SHA-256, joined by line feeds',
    },
  },
  identity: {
    names: 'message',
    repeats: 'body',
    type: [{ member: 'type' }, { member: 'status' }, { form: 'status' }],
    apart:
      'the status and its time: the id is the message’s, and the same for each of its states. Of a GET the query is compared',
    kept: 'the body, or the query',
    source:
      'https://docs.bird.com/connectivity-platform/troubleshooting/i-am-missing-my-delivery-reports for status reports, memory for the rest',
  },
  answer: { text: '2xx' },
  retries: 'for 8 hours with growing gaps (https://docs.bird.com/api/notifications-api/retries)',
  notes: [
    'A request with a JWT is checked by that alone. Without one MessageBird-Signature counts: over the sorted query, as MessageBird’s older APIs sign, or over the URL, as Bird’s do. No library of theirs bounds that time but by a choice of 10 s; 300 s are allowed here.',
  ],
  sample: {
    body: '{"id":"b3f1a2c4d5e64f7a8b9c0d1e2f3a4b5c","type":"message.created","message":{"id":"e8077d803532c0b5937c639b60216938","status":"received","content":{"text":"Hello"}}}',
  },
  provenance: {
    scheme: 'run',
    by: 'messagebird for the JWT; the older signature agrees with the requests in messagebird/python-rest-api, tests/test_signed_request.py',
    fromMemory: ['identity', 'copy'],
  },
}
