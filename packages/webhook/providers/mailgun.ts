import type { InvalidVerdict, WebhookRequest } from '../scheme.ts'
import { isFields, parseFields } from '../verify/fields.ts'
import { findHmacKey, openSecretKeys } from '../verify/find-hmac-key.ts'
import { bodyForm, formFields } from '../verify/form.ts'
import { checkTimestamp, type TimestampRule, toleranceOf } from '../verify/timestamp.ts'
import { invalid } from '../verify/verdict.ts'
import { hmacText } from './hmac-text.ts'
import type { OpenVerify, Provider, SignSample } from './provider.ts'

// Retries may come hours later with the first time; Mailgun names no bound.
const timestampRule: TimestampRule = { unit: 's', past: null, future: null }

const open: OpenVerify = config => {
  const keys = openSecretKeys(config, 'utf8')
  const rule = toleranceOf(timestampRule, config.toleranceSeconds)
  return (request, nowMs) => {
    const signed = bodyForm(request) === 'json' ? signedMembers(request.body) : signedFields(request)
    if ('kind' in signed) return signed
    const { timestamp, token, signatures } = signed
    if (signatures.length === 0) return invalid('signature_missing', 'no signature in the body')
    if (timestamp === undefined) return invalid('timestamp_missing')
    if (token === undefined) return invalid('signature_missing', 'no token beside the signature')
    const secret = findHmacKey('sha256', keys, [`${timestamp}${token}`], signatures, 'hex')
    if (secret === undefined) return invalid('signature_mismatch')
    return checkTimestamp(timestamp, rule, nowMs) ?? { kind: 'valid', secret }
  }
}

const parentSignature = 'parent-signature'

interface Signed {
  readonly timestamp: string | undefined
  readonly token: string | undefined
  /** Of an event of a subaccount two: its own key's and the primary account's, of which either may be configured. */
  readonly signatures: readonly string[]
}

/** Webhooks: `signature` is an object of the JSON body. */
function signedMembers(body: Uint8Array): Signed | InvalidVerdict {
  const message = parseFields(body)
  if (!message) return invalid('body_unreadable', 'expected JSON')
  if (!isFields(message.signature)) return invalid('signature_missing', 'no signature in the body')
  const { timestamp, token, signature, [parentSignature]: parent } = message.signature
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  const isNumber = typeof timestamp === 'number'
  return {
    timestamp: isNumber ? String(timestamp) : text(timestamp),
    token: text(token),
    signatures: [text(signature), text(parent)].filter(isGiven),
  }
}

/** Routes, and webhooks of the older kind: fields of a form, which is multipart where a mail has attachments. */
function signedFields(request: WebhookRequest): Signed {
  const names = ['timestamp', 'token', 'signature', parentSignature]
  const [timestamp, token, ...signatures] = formFields(request, names)
  return { timestamp, token, signatures: signatures.filter(isGiven) }
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined
}

const sign: SignSample = (request, config, { nowMs, random }) => {
  openSecretKeys(config, 'utf8')
  const timestamp = String(Math.floor(nowMs / 1000))
  const token = Array.from({ length: 50 }, () => Math.floor(random() * 16).toString(16)).join('')
  const signature = hmacText('sha256', config.secrets[0]!, `${timestamp}${token}`, 'hex')
  const message = JSON.parse(Buffer.from(request.body).toString())
  return { body: JSON.stringify({ ...message, signature: { timestamp, token, signature } }) }
}

export const mailgun: Provider = {
  name: 'mailgun',
  title: 'Mailgun',
  documentation: 'https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks',
  copy: { what: 'HTTP webhook signing key', where: 'Control Panel → API Security' },
  scheme: {
    kind: 'code',
    open,
    text: {
      where:
        'body signature {timestamp, token, signature}, of subaccounts parent-signature too; of routes the form fields timestamp, token and signature, urlencoded or multipart',
      algorithm: 'HMAC-SHA256, hex',
      content: 'timestamp and token; nothing of the event',
      key: 'the bytes of the text as copied',
    },
    sign,
  },
  // The event isn't signed, so a captured signature would sign any. The token is the delivery's id for that reason:
  // a request with a used token is the same delivery again.
  identity: {
    names: 'delivery',
    repeats: 'id',
    id: [{ member: 'signature.token' }, { form: 'token' }],
    type: [{ member: 'event-data.event' }, { form: 'event' }],
    apart: 'the token',
    kept: 'the token, as far as is known',
    source:
      'https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks for the token, memory for a repeat',
  },
  answer: { text: '200; 406 stops the retries' },
  retries: 'after 10, 10, 15 and 30 min, 1, 2 and 4 h',
  notes: [
    'Events of a subaccount are signed with its key and with the primary account’s: either is enough.',
    'Routes post forms, with attachments as multipart; one source takes webhooks and routes.',
    'The event isn’t protected, only the token: a token that was seen before is taken for a repeated delivery.',
  ],
  sample: {
    body: '{"signature":{},"event-data":{"event":"delivered","id":"Ase7i2zsRYeDXztHGENqRA","timestamp":1760000000.5,"recipient":"ada@example.com","message":{"headers":{"message-id":"20260502090000.1.EXAMPLE@mg.example.com"}}}}',
  },
  provenance: {
    scheme: 'memory',
    by: 'other people’s notes',
    fromMemory: ['answer', 'retries', 'identity', 'copy'],
  },
}
