import type { KeyObject } from 'node:crypto'
import type { Verdict } from '../scheme.ts'
import { isFields, parseFields, scalarText } from '../verify/fields.ts'
import { findHmacKey, openSecretKeys } from '../verify/find-hmac-key.ts'
import { bodyForm } from '../verify/form.ts'
import { formValue, readForm } from '../verify/form-fields.ts'
import { openKey } from '../verify/key.ts'
import { invalid } from '../verify/verdict.ts'
import { hmacText } from './hmac-text.ts'
import type { OpenVerify, Provider, SignSample } from './provider.ts'

/** More items than Adyen sends in one request. */
const maxItems = 100
type Item = Readonly<Record<string, unknown>>

const open: OpenVerify = config => {
  const keys = openSecretKeys(config, 'hex')
  return request => {
    const items = bodyForm(request) === 'urlencoded' ? itemOfForm(request.body) : itemsOf(request.body)
    if (!items) return invalid('body_unreadable', 'expected JSON with notificationItems, or a form')
    const verdicts = items.map(item => verifyItem(item, keys))
    // Each item is an event: a single unsigned item refuses the request.
    return verdicts.find(verdict => verdict.kind === 'invalid') ?? verdicts[0]!
  }
}

function itemsOf(body: Uint8Array): readonly Item[] | undefined {
  const list = parseFields(body)?.notificationItems
  if (!Array.isArray(list) || list.length === 0 || list.length > maxItems) return undefined
  const items = list.map(entry => (isFields(entry) ? entry.NotificationRequestItem : undefined))
  return items.every(isFields) ? items : undefined
}

/** The method HTTP POST of a webhook's settings: one item, whose amount and signature have names of their own. */
function itemOfForm(body: Uint8Array): readonly Item[] | undefined {
  const form = readForm(body)
  if (!form) return undefined
  const field = (name: string) => formValue(form, name)
  return [
    {
      pspReference: field('pspReference'),
      originalReference: field('originalReference'),
      merchantAccountCode: field('merchantAccountCode'),
      merchantReference: field('merchantReference'),
      amount: { value: field('value'), currency: field('currency') },
      eventCode: field('eventCode'),
      success: field('success'),
      additionalData: { hmacSignature: field('additionalData.hmacSignature') },
    },
  ]
}

function verifyItem(item: Item, keys: readonly KeyObject[]): Verdict {
  const additional = item.additionalData
  const signature = isFields(additional) ? additional.hmacSignature : undefined
  if (typeof signature !== 'string')
    return invalid('signature_missing', 'no additionalData.hmacSignature in an item')
  const text = signedText(item)
  if (text === undefined) return invalid('body_unreadable', 'a signed field isn’t a text')
  const secret = findHmacKey('sha256', keys, [text], [signature], 'base64')
  return secret === undefined ? invalid('signature_mismatch') : { kind: 'valid', secret }
}

function signedText(item: Item): string | undefined {
  const amount = isFields(item.amount) ? item.amount : {}
  const fields = [
    item.pspReference,
    item.originalReference,
    item.merchantAccountCode,
    item.merchantReference,
    amount.value,
    amount.currency,
    item.eventCode,
    item.success,
  ].map(scalarText)
  return fields.includes(undefined) ? undefined : fields.join(':')
}

const sign: SignSample = (request, config) => {
  openSecretKeys(config, 'hex')
  const key = openKey(config.secrets[0]!, 'hex', 'adyen').export()
  const message = JSON.parse(Buffer.from(request.body).toString())
  for (const { NotificationRequestItem: item } of message.notificationItems) {
    item.additionalData = {
      ...item.additionalData,
      hmacSignature: hmacText('sha256', key, signedText(item) ?? '', 'base64'),
    }
  }
  return { body: JSON.stringify(message) }
}

export const adyen: Provider = {
  name: 'adyen',
  title: 'Adyen (payments)',
  documentation: 'https://docs.adyen.com/development-resources/webhooks/verify-hmac-signatures/',
  copy: {
    what: 'HMAC key, hexadecimal',
    where: 'Customer Area → Developers → Webhooks → the webhook → HMAC key',
  },
  scheme: {
    kind: 'code',
    open,
    text: {
      where:
        'body notificationItems[].NotificationRequestItem.additionalData.hmacSignature; of the method HTTP POST the form field additionalData.hmacSignature',
      algorithm: 'HMAC-SHA256, base64',
      content:
        'pspReference:originalReference:merchantAccountCode:merchantReference:amount.value:amount.currency:eventCode:success of each item; all must pass',
      key: 'decoded from hexadecimal',
    },
    sign,
  },
  identity: {
    names: 'object',
    repeats: 'id',
    id: [
      {
        join: [
          { member: 'notificationItems.*.NotificationRequestItem.pspReference' },
          { member: 'notificationItems.*.NotificationRequestItem.eventCode' },
          { member: 'notificationItems.*.NotificationRequestItem.success' },
          { member: 'notificationItems.*.NotificationRequestItem.originalReference', optional: true },
          { member: 'notificationItems.*.NotificationRequestItem.eventDate', optional: true },
        ],
        by: ':',
      },
      {
        join: [
          { form: 'pspReference' },
          { form: 'eventCode' },
          { form: 'success' },
          { form: 'originalReference', optional: true },
          { form: 'eventDate', optional: true },
        ],
        by: ':',
      },
    ],
    type: [{ member: 'notificationItems.*.NotificationRequestItem.eventCode' }, { form: 'eventCode' }],
    apart:
      'eventCode, success, originalReference and eventDate: pspReference is shared by several events of a payment, and by its failure and success',
    kept: 'these; where eventDate differs, Fairlead takes the repeat for an event',
    source: 'https://github.com/Adyen/adyen-magento2, Model/Notification.php, isDuplicate',
  },
  answer: { text: '2xx, formerly the body [accepted]', timeoutSeconds: 10 },
  retries: '3 at once, then after 2 min … 8 h for 7 days',
  notes: [
    'A webhook’s method may be JSON or HTTP POST (a form); SOAP isn’t supported.',
    'Only eight fields are signed: reason, eventDate and paymentMethod are not protected.',
  ],
  sample: {
    body: '{"live":"false","notificationItems":[{"NotificationRequestItem":{"additionalData":{},"amount":{"currency":"EUR","value":1130},"eventCode":"AUTHORISATION","eventDate":"2026-05-02T09:00:00+02:00","merchantAccountCode":"ExampleMerchant","merchantReference":"order-1042","originalReference":"","paymentMethod":"visa","pspReference":"7914073381342284","success":"true"}}]}',
  },
  provenance: { scheme: 'run', by: '@adyen/api-library', fromMemory: ['answer', 'retries', 'copy'] },
}
