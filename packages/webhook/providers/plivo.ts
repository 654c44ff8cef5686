import type { WebhookRequest } from '../scheme.ts'
import { findHmacKey, openSecretKeys } from '../verify/find-hmac-key.ts'
import { type FormField, readForm, readFormText } from '../verify/form-fields.ts'
import { eachItem, headerText } from '../verify/header.ts'
import { invalid } from '../verify/verdict.ts'
import { hmacText } from './hmac-text.ts'
import type { OpenVerify, Provider, SignSample } from './provider.ts'

/** A version of Plivo's signatures: of the account's own token, and of the main account's (Ma). */
interface Version {
  readonly signatures: readonly string[]
  readonly nonces: readonly string[]
  /** The signed text before the nonce; undefined for a form beyond its bounds. */
  readonly text: (request: WebhookRequest) => string | undefined
}

const third: Version = {
  signatures: ['x-plivo-signature-v3', 'x-plivo-signature-ma-v3'],
  nonces: ['x-plivo-signature-v3-nonce', 'x-plivo-signature-ma-v3-nonce'],
  text(request) {
    const text = signedText(request)
    return text === undefined ? undefined : `${text}.`
  },
}

// Signature of messages and verifications: https://docs.plivo.com/docs/messaging/concepts/signature-validation
const second: Version = {
  signatures: ['x-plivo-signature-v2', 'x-plivo-signature-ma-v2'],
  nonces: ['x-plivo-signature-v2-nonce'],
  text: ({ url }) => splitUrl(url)[0],
}

const open: OpenVerify = config => {
  const keys = openSecretKeys(config, 'utf8')
  const versions = config.options?.onlyV3 === true ? [third] : [third, second]
  return request => {
    const read = (name: string) => headerText(request.headers, name)
    // A request with version 3 is verified by it alone: version 2 covers nothing of the form.
    const version = versions.find(({ signatures }) => signatures.some(name => read(name))) ?? third
    const signatures: string[] = []
    for (const name of version.signatures) eachItem(read(name) ?? '', ',', item => signatures.push(item))
    const nonce = version.nonces.map(read).find(text => text !== undefined)
    if (signatures.length === 0) return invalid('signature_missing', 'no header x-plivo-signature-v3')
    if (nonce === undefined) return invalid('signature_missing', `no header ${version.nonces[0]}`)
    const text = version.text(request)
    if (text === undefined)
      return invalid('body_unreadable', 'expected a form of at most 1 MiB and 2,000 fields')
    const secret = findHmacKey('sha256', keys, [text, nonce], signatures, 'base64')
    return secret === undefined ? invalid('signature_mismatch') : { kind: 'valid', secret, url: request.url }
  }
}

/**
 * The URL with its query decoded and sorted, then the form's fields, sorted and run together. A `?` stands before
 * fields even without a query, and a `.` between query and fields: as Plivo's library does it. Undefined for a form
 * beyond its bounds.
 */
function signedText(request: WebhookRequest): string | undefined {
  const [address, search = ''] = splitUrl(request.url)
  const inQuery = readFormText(search)
  const inBody = request.method === 'GET' ? [] : readForm(request.body)
  if (!inQuery || !inBody) return undefined
  const query = sorted(inQuery, '=').join('&')
  const fields = sorted(inBody, '').join('')
  if (fields === '') return query === '' ? address : `${address}?${query}`
  return query === '' ? `${address}?${fields}` : `${address}?${query}.${fields}`
}

function splitUrl(url: string): [string, string] {
  const bare = url.split('#', 1)[0]!
  const start = bare.indexOf('?')
  return start < 0 ? [bare, ''] : [bare.slice(0, start), bare.slice(start + 1)]
}

function sorted(form: readonly FormField[], between: string): string[] {
  const fields = Map.groupBy(form, ({ name }) => name)
  return [...fields.keys()].sort().flatMap(name =>
    fields
      .get(name)!
      .map(({ value }) => value)
      .sort()
      .map(value => `${name}${between}${value}`),
  )
}

const sign: SignSample = (request, config, { random }) => {
  openSecretKeys(config, 'utf8')
  const nonce = String(Math.floor(random() * 1e16))
  const signature = hmacText('sha256', config.secrets[0]!, `${signedText(request)}.${nonce}`, 'base64')
  return { headers: { 'x-plivo-signature-v3': signature, 'x-plivo-signature-v3-nonce': nonce } }
}

export const plivo: Provider = {
  name: 'plivo',
  title: 'Plivo (v3, messages v2)',
  documentation: 'https://www.plivo.com/docs/voice/concepts/signature-validation',
  copy: { what: 'Auth token', where: 'Console → Overview → Account' },
  options: [
    {
      name: 'onlyV3',
      text: 'true: refuse v2, which Plivo sends for messages and which covers nothing of the form',
    },
  ],
  scheme: {
    kind: 'code',
    open,
    text: {
      where:
        'headers X-Plivo-Signature-V3 (or -Ma-V3) and -Nonce; without those X-Plivo-Signature-V2 (or -Ma-V2) and -Nonce',
      algorithm: 'HMAC-SHA256, base64; several separated by commas',
      content:
        'v3: the URL with its sorted query, the sorted form fields, and the nonce; v2: the URL without its query, and the nonce',
      key: 'the bytes of the text as copied',
    },
    sign,
  },
  identity: {
    names: 'message',
    repeats: 'id-and-body',
    id: [{ form: 'MessageUUID' }],
    type: [{ form: 'Event' }, { form: 'Status' }, { form: 'CallStatus' }],
    apart:
      'the status and the part of the message: MessageUUID is the same for each. Requests of a call are never repeats: a caller who presses 1 twice sends the same form twice',
    kept: 'MessageUUID and the form; the nonce may differ',
    source: 'https://docs.plivo.com/docs/messaging/xml/request for MessageUUID, memory for the rest',
  },
  answer: { text: '200' },
  retries: '3',
  notes: ['v2 doesn’t protect the form: whoever saw one request can send another form to the same URL.'],
  sample: {
    contentType: 'application/x-www-form-urlencoded',
    body: 'From=15555550100&To=15555550101&MessageUUID=f1b3c6e2-7f0f-4c57-8f9a-2f3b1f4e6c58&Status=delivered&Units=1',
  },
  provenance: { scheme: 'run', by: 'plivo', fromMemory: ['answer', 'retries', 'identity', 'copy'] },
}
