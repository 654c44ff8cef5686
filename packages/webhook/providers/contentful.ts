import { escape as escapeQuery } from 'node:querystring'
import type { WebhookRequest } from '../scheme.ts'
import { findHmacKey, openSecretKeys } from '../verify/find-hmac-key.ts'
import { headerText } from '../verify/header.ts'
import { checkTimestamp, type TimestampRule, toleranceOf } from '../verify/timestamp.ts'
import { invalid } from '../verify/verdict.ts'
import { hmacText } from './hmac-text.ts'
import type { OpenVerify, Provider, SignSample } from './provider.ts'

const signatureHeader = 'x-contentful-signature'
const listHeader = 'x-contentful-signed-headers'
const timeHeader = 'x-contentful-timestamp'
/** The sender names the signed headers; more than these are no list of its. */
const maxHeaders = 64

const timestampRule: TimestampRule = { unit: 'ms', past: 30, future: null, pastExclusive: true }

const open: OpenVerify = config => {
  const keys = openSecretKeys(config, 'utf8')
  const rule = toleranceOf(timestampRule, config.toleranceSeconds)
  const path = config.options?.path
  return (request, nowMs) => {
    const signature = headerText(request.headers, signatureHeader)
    const list = headerText(request.headers, listHeader)
    const timestamp = headerText(request.headers, timeHeader)
    if (!signature || list === undefined) return invalid('signature_missing', `no header ${signatureHeader}`)
    if (timestamp === undefined) return invalid('timestamp_missing')
    const names = list.split(',', maxHeaders + 1)
    if (names.length > maxHeaders) return invalid('signature_malformed', 'too many signed headers')
    const text = canonicalText(request, names, typeof path === 'string' ? path : pathOf(request.url))
    const secret = findHmacKey('sha256', keys, [text, request.body], [signature], 'hex')
    if (secret === undefined) return invalid('signature_mismatch')
    return checkTimestamp(timestamp, rule, nowMs) ?? { kind: 'valid', secret }
  }
}

/** Method, path and signed headers, each with a newline; the body follows. */
function canonicalText(request: WebhookRequest, listed: readonly string[], path: string): string {
  // The time and the list of headers are always signed, whether the list names them or not; so the time can be trusted.
  const names = [...new Set([...listed, listHeader, timeHeader])].filter(name =>
    Object.hasOwn(request.headers, name),
  )
  names.sort()
  const values = names.map(name => {
    const value = name === listHeader ? names.join(',') : headerText(request.headers, name)!.trim()
    return `${name}:${value}`
  })
  return `${request.method}\n${encodePath(path)}\n${values.join(';')}\n`
}

/** Path and query as Contentful's library encodes them: the query is escaped, and then encoded with the path again. */
function encodePath(path: string): string {
  const [pathname = '', search] = path.split('?')
  try {
    return encodeURI(search ? `${pathname}?${escapeQuery(search)}` : pathname)
  } catch {
    return pathname
  }
}

function pathOf(url: string): string {
  return url.replace(/^https?:\/\/[^/?#]*/i, '').split('#', 1)[0] || '/'
}

const sign: SignSample = (request, config, { nowMs }) => {
  openSecretKeys(config, 'utf8')
  const listed = ['content-type', 'x-contentful-topic', listHeader, timeHeader]
  const path = config.options?.path
  const headers = { ...request.headers, [timeHeader]: String(nowMs), [listHeader]: '' }
  const names = listed.filter(name => name in headers).sort()
  const text = canonicalText(
    { ...request, headers },
    names,
    typeof path === 'string' ? path : pathOf(request.url),
  )
  const signed = Buffer.concat([Buffer.from(text), request.body])
  return {
    headers: {
      [timeHeader]: String(nowMs),
      [listHeader]: names.join(','),
      [signatureHeader]: hmacText('sha256', config.secrets[0]!, signed, 'hex'),
    },
  }
}

export const contentful: Provider = {
  name: 'contentful',
  title: 'Contentful',
  documentation: 'https://www.contentful.com/developers/docs/webhooks/request-verification/',
  copy: {
    what: 'Signing secret, 64 characters',
    where: 'Settings → Webhooks → Settings → Enable request verification',
  },
  options: [{ name: 'path', text: 'the path and query that Contentful posts to, where a proxy changes it' }],
  scheme: {
    kind: 'code',
    open,
    text: {
      where: 'headers x-contentful-signature, -signed-headers, -timestamp',
      algorithm: 'HMAC-SHA256, hex',
      content: 'method, path, signed headers and body, each on a line',
      key: 'the bytes of the text as copied',
    },
    sign,
  },
  identity: {
    names: 'object',
    repeats: 'id-and-body',
    id: [
      { header: 'x-contentful-idempotency-key' },
      {
        join: [
          { header: 'x-contentful-topic' },
          { member: 'sys.id' },
          { header: 'x-contentful-webhook-name', optional: true },
        ],
        by: ':',
      },
    ],
    type: [{ header: 'x-contentful-topic' }],
    apart:
      'the key, the topic, and the revision and times of the object: sys.id is the object’s. A payload that was made smaller may hold none of them, and then the key tells',
    kept: 'the key, the topic and the body',
    source: 'https://www.contentful.com/developers/changelog/idempotency-key-headers-for-webhook-requests/',
  },
  answer: { text: '2xx', timeoutSeconds: 30 },
  retries: '3 on 429 and 5xx',
  sample: {
    contentType: 'application/vnd.contentful.management.v1+json',
    headers: {
      'x-contentful-topic': 'ContentManagement.Entry.publish',
      'x-contentful-webhook-name': 'example',
    },
    body: '{"sys":{"type":"Entry","id":"3kOdKb1ya4QmUSMgaFqs2Q","revision":3,"space":{"sys":{"type":"Link","linkType":"Space","id":"5nvk6q4s3ttw"}}},"fields":{"title":{"en-US":"Example"}}}',
  },
  provenance: { scheme: 'run', by: '@contentful/node-apps-toolkit', fromMemory: ['retries', 'copy'] },
}
