import { createHash } from 'node:crypto'
import { parse as parseQuery, stringify as writeQuery } from 'node:querystring'
import { equal } from '../verify/compare.ts'
import { decode } from '../verify/decode.ts'
import { findHmacKey, openSecretKeys } from '../verify/find-hmac-key.ts'
import { queryValue } from '../verify/form.ts'
import { readForm } from '../verify/form-fields.ts'
import { eachPair, headerText } from '../verify/header.ts'
import { invalid } from '../verify/verdict.ts'
import { hmacText } from './hmac-text.ts'
import type { OpenVerify, Provider, SignSample } from './provider.ts'

/*
 * The public URL, and behind it either the sorted form fields or, for any other body, nothing: then the URL's own
 * query holds bodySHA256.
 */

const open: OpenVerify = config => {
  const keys = openSecretKeys(config, 'utf8')
  return request => {
    const signature = headerText(request.headers, 'x-twilio-signature')
    if (signature === undefined || signature === '')
      return invalid('signature_missing', 'no header x-twilio-signature')
    if (!decode(signature, 'base64')) return invalid('signature_malformed', 'expected base64')
    const hash = hashOf(headerText(request.headers, 'x-twilio-webhooks-signature-settings'))
    if (hash === undefined) return invalid('signature_malformed', 'expected algorithm=HMAC_SHA256')
    const bodyHash = queryValue(request.url, 'bodySHA256')
    const fields = bodyHash === undefined ? sortedFields(request.body) : ''
    if (fields === undefined)
      return invalid('body_unreadable', 'expected a form of at most 1 MiB and 2,000 fields')
    for (const url of candidates(request.url)) {
      const secret = findHmacKey(hash, keys, [url, fields], [signature], 'base64')
      if (secret === undefined) continue
      const isBodyRight = bodyHash === undefined || isHashOf(bodyHash, request.body)
      return isBodyRight ? { kind: 'valid', secret, url } : invalid('body_hash_mismatch')
    }
    return invalid('signature_mismatch')
  }
}

/**
 * Requests that a Webhook Rule matches are signed with a shared key, and name its algorithm beside its id
 * (`key=…,algorithm=HMAC_SHA256`); all others with the auth token and SHA-1. Undefined for another algorithm.
 */
function hashOf(settings: string | undefined): 'sha1' | 'sha256' | undefined {
  if (settings === undefined) return 'sha1'
  let algorithm = ''
  eachPair(settings, ',', (name, value) => {
    if (name === 'algorithm') algorithm = value
  })
  switch (algorithm) {
    case 'HMAC_SHA1':
      return 'sha1'
    case 'HMAC_SHA256':
      return 'sha256'
    default:
      return undefined
  }
}

function isHashOf(bodyHash: string, body: Uint8Array): boolean {
  const given = decode(bodyHash, 'hex-any-case')
  return given !== undefined && equal(createHash('sha256').update(body).digest(), given)
}

/**
 * Each name with its values, both sorted, a repeated value once: as Twilio's library writes them. Undefined for a form
 * beyond its bounds.
 */
function sortedFields(body: Uint8Array): string | undefined {
  const form = readForm(body)
  if (!form) return undefined
  const fields = new Map<string, Set<string>>()
  for (const { name, value } of form) fields.set(name, (fields.get(name) ?? new Set()).add(value))
  return [...fields.keys()]
    .sort()
    .map(name =>
      [...fields.get(name)!]
        .sort()
        .map(value => name + value)
        .join(''),
    )
    .join('')
}

/** Without and with the port, as received and as normalised: the order of Twilio's own library. */
function candidates(url: string): string[] {
  const normalised = URL.parse(url)?.toString()
  const forms = [url, withoutPort(url), withPort(url)]
  if (normalised !== undefined) {
    const [bare, full] = [withoutPort(normalised), withPort(normalised)]
    forms.push(bare, full, withWrittenQuery(bare), withWrittenQuery(full))
  }
  return [...new Set(forms)]
}

/** Scheme with host, and port. */
const urlParts = /^(https?:\/\/(?:\[[^\]]*\]|[^/?#:]*))(:\d*)?/i

function withoutPort(url: string): string {
  const parts = urlParts.exec(url)
  return parts ? parts[1] + url.slice(parts[0].length) : url
}

function withPort(url: string): string {
  const parts = urlParts.exec(url)
  if (!parts || parts[2]) return url
  const port = /^https:/i.test(url) ? ':443' : ':80'
  return parts[1] + port + url.slice(parts[0].length)
}

/** The query as Node's older writer escapes it, which some of Twilio's back ends signed. */
function withWrittenQuery(url: string): string {
  const start = url.indexOf('?')
  if (start < 0 || start === url.length - 1) return url
  return `${url.slice(0, start)}?${writeQuery(parseQuery(url.slice(start + 1)))}`
}

const sign: SignSample = (request, config) => {
  const isForm = String(request.headers['content-type']).includes('form-urlencoded')
  const separator = request.url.includes('?') ? '&' : '?'
  const hash = createHash('sha256').update(request.body).digest('hex')
  const url = isForm ? request.url : `${request.url}${separator}bodySHA256=${hash}`
  const text = url + (isForm ? (sortedFields(request.body) ?? '') : '')
  openSecretKeys(config, 'utf8')
  return { url, headers: { 'x-twilio-signature': hmacText('sha1', config.secrets[0]!, text, 'base64') } }
}

export const twilio: Provider = {
  name: 'twilio',
  title: 'Twilio',
  documentation: 'https://www.twilio.com/docs/usage/webhooks/webhooks-security',
  copy: {
    what: 'Auth token (primary), and each shared key that a Webhook Rule signs with',
    where:
      'Console → Account Dashboard → Account Info; shared keys: the answer to the API call that makes one',
  },
  scheme: {
    kind: 'code',
    open,
    text: {
      where: 'header X-Twilio-Signature',
      algorithm: 'HMAC-SHA1, base64; HMAC-SHA256 where X-Twilio-Webhooks-Signature-Settings says so',
      content:
        'the URL and the sorted form fields; for other bodies the URL alone, with their digest as its bodySHA256',
      key: 'the bytes of the text as copied',
    },
    sign,
  },
  identity: {
    names: 'delivery',
    repeats: 'id',
    id: [
      { header: 'i-twilio-idempotency-token' },
      { rule: { form: 'MessageSid' }, repeats: 'id-and-body' },
      { rule: { join: [{ form: 'CallSid' }, { form: 'SequenceNumber' }], by: ':' }, repeats: 'id-and-body' },
      {
        rule: { join: [{ form: 'RecordingSid' }, { form: 'RecordingStatus' }], by: ':' },
        repeats: 'id-and-body',
      },
      { member: '*.id' },
    ],
    type: [
      { form: 'MessageStatus' },
      { form: 'SmsStatus' },
      { form: 'CallStatus' },
      { form: 'EventType' },
      { form: 'RecordingStatus' },
      { member: '*.type' },
    ],
    apart:
      'the token. Without it, of a message its Sid and the form, of a call’s progress its Sid and SequenceNumber, of a batch of Event Streams the ids; other requests of a call are never repeats: a caller who presses 1 twice sends the same form twice',
    kept: 'the token',
    source:
      'https://www.twilio.com/docs/events/event-delivery-and-duplication for Event Streams, memory for the rest',
  },
  answer: { text: '2xx', timeoutSeconds: 15 },
  retries: 'none by default: a fallback URL, or #rc= at the URL’s end',
  notes: [
    'Where a Webhook Rule signs with shared keys (https://www.twilio.com/docs/usage/webhooks/webhook-shared-keys), configure them beside the auth token.',
    'Basic and digest authentication (user and password in the URL, or a Webhook Auth Profile) and OAuth aren’t looked at: the signature, which every request has, says more. Twilio sends a password only after a 401, so give it a URL without one.',
    'The URL is tried with and without its port, as received and as normalised; the one that matched is reported.',
  ],
  sample: {
    contentType: 'application/x-www-form-urlencoded; charset=UTF-8',
    headers: { 'i-twilio-idempotency-token': 'd5a1b2c3-4e5f-4a6b-8c7d-9e0f1a2b3c4d' },
    body: 'ToCountry=US&SmsMessageSid=SM1f0e8ae6ade43cb3c0ce4525424e404f&NumMedia=0&Body=Hello+there&From=%2B15555550100&To=%2B15555550101&SmsStatus=received&MessageSid=SM1f0e8ae6ade43cb3c0ce4525424e404f&AccountSid=ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX&ApiVersion=2010-04-01',
  },
  provenance: { scheme: 'run', by: 'twilio', fromMemory: ['answer', 'retries', 'identity'] },
}
