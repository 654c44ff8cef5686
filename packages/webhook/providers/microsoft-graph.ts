import { equal, tokenDigest } from '../verify/compare.ts'
import { isFields, parseFields } from '../verify/fields.ts'
import { echo, queryChallenge } from '../verify/handshake.ts'
import { SchemeError } from '../verify/scheme-error.ts'
import { invalid } from '../verify/verdict.ts'
import type { OpenVerify, Provider, SignSample } from './provider.ts'

/** More notifications than Graph sends in one request. */
const maxNotifications = 1000

const open: OpenVerify = config => {
  if (config.secrets.length === 0 || config.secrets.includes('')) {
    throw new SchemeError(
      'secret_missing',
      'microsoft-graph',
      'A source of microsoft-graph needs its clientState as secret.',
    )
  }
  const expected = config.secrets.map(tokenDigest)
  return request => {
    const list = parseFields(request.body)?.value
    if (
      !Array.isArray(list) ||
      list.length === 0 ||
      list.length > maxNotifications ||
      !list.every(isFields)
    ) {
      return invalid('body_unreadable', 'expected JSON with a list `value`')
    }
    const matched = list.map(({ clientState }) => {
      if (typeof clientState !== 'string') return undefined
      const given = tokenDigest(clientState)
      return expected.findIndex(digest => equal(digest, given))
    })
    if (matched.includes(undefined)) return invalid('signature_missing', 'a notification has no clientState')
    return matched.includes(-1) ? invalid('signature_mismatch') : { kind: 'valid', secret: matched[0]! }
  }
}

const sign: SignSample = (request, config) => {
  open(config, { keys: async () => '', roots: [] })
  const message = JSON.parse(Buffer.from(request.body).toString())
  for (const notification of message.value) notification.clientState = config.secrets[0]
  return { body: JSON.stringify(message) }
}

export const microsoftGraph: Provider = {
  name: 'microsoft-graph',
  title: 'Microsoft Graph',
  documentation: 'https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks',
  copy: { what: 'clientState', where: 'your call that makes the subscription: you choose it' },
  scheme: {
    kind: 'code',
    open,
    text: {
      where: 'body value[].clientState',
      algorithm: 'shared token, plain',
      content: 'nothing',
      key: 'the text as you chose it',
    },
    sign,
  },
  identity: {
    names: 'object',
    repeats: 'none',
    type: [{ member: 'value.*.changeType' }, { member: 'value.*.lifecycleEvent' }],
    apart:
      'nothing that is always there: a notification says that something changed, in the same words each time',
    kept: 'the body',
    source: 'https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks',
  },
  answer: { text: '2xx, 202 when queued; 5xx asks to send again', timeoutSeconds: 3 },
  retries: 'up to 4 hours; slow endpoints are throttled',
  handshake: {
    text: 'POST with ?validationToken=: the decoded token as text/plain, within 10 s',
    answer: request => echo(queryChallenge(request, 'POST', 'validationToken')),
  },
  notes: [
    'The body isn’t protected: whoever has the clientState can send anything.',
    'The validationTokens of rich notifications are not looked at; the clientState is.',
  ],
  sample: {
    body: '{"value":[{"id":"lsgTZMr9KwAAA","subscriptionId":"7f105c7d-2dc5-4530-97cd-4e7ae6534c07","subscriptionExpirationDateTime":"2026-03-20T11:00:00.0000000Z","clientState":"","changeType":"created","resource":"users/8b081ef6-4792-4def-b2c9-c363a1bf41d5/messages/AAMk","tenantId":"84bd8158-6d4d-4958-8b9f-9d6445542f95"}]}',
  },
  provenance: { scheme: 'read', by: 'Microsoft’s documentation' },
}
