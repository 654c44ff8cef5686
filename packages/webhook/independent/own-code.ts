import { createHash, sign as signWithKey } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { aCertificate } from '../fuzz/a-certificate-authority.ts'
import { type Formula, hmac, json, now, type Vector, vector } from './formula.ts'

/* The schemes that no formula over headers describes: certificates, fields of the body, canonical requests. */

const secret = 'shared-secret-1'
const other = 'shared-secret-2'
const iso = (seconds: number) => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
const form = (fields: readonly (readonly [string, string])[]) =>
  fields.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')
const { certificate, privateKey } = aCertificate({ commonName: 'api.paypal.com', names: ['*.paypal.com'] })

const webhookId = '8PT597110X687430LKGECATA'
const paypalHeaders = (body: string, seconds: number, id = webhookId) => {
  const transmission = `t-1|${iso(seconds)}|${id}|${crc32(body)}`
  return {
    'PAYPAL-TRANSMISSION-ID': 't-1',
    'PAYPAL-TRANSMISSION-TIME': iso(seconds),
    'PAYPAL-TRANSMISSION-SIG': signWithKey('sha256', Buffer.from(transmission), privateKey).toString(
      'base64',
    ),
    'PAYPAL-CERT-URL': 'https://api.paypal.com/v1/notifications/certs/CERT-1',
    'PAYPAL-AUTH-ALGO': 'SHA256withRSA',
  }
}
const paypal: Formula = {
  provider: 'paypal',
  secret: null,
  options: { webhookId, certPem: certificate },
  signature: ['PAYPAL-TRANSMISSION-SIG'],
  sign: (body, seconds) => ({ headers: paypalHeaders(body, seconds) }),
  time: { past: null, future: null, header: 'PAYPAL-TRANSMISSION-TIME' },
}

function snsBody(
  fields: Readonly<Record<string, string>>,
  version = '1',
  host = 'sns.eu-west-1.amazonaws.com',
): string {
  const isNotice = fields.Type === 'Notification'
  const names = isNotice
    ? ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']
    : ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type']
  const text = names
    .filter(name => fields[name] !== undefined)
    .map(name => `${name}\n${fields[name]}\n`)
    .join('')
  return JSON.stringify({
    ...fields,
    SignatureVersion: version,
    Signature: signWithKey(version === '1' ? 'sha1' : 'sha256', Buffer.from(text), privateKey).toString(
      'base64',
    ),
    SigningCertURL: `https://${host}/SimpleNotificationService-1.pem`,
  })
}
const snsFields = (seconds: number) => ({
  Type: 'Notification',
  MessageId: 'm-1',
  TopicArn: 'arn:aws:sns:eu-west-1:123456789012:Topic',
  Subject: 'Zoë',
  Message: 'line one\nline two 🚀',
  Timestamp: iso(seconds),
})
function snsFieldsWithoutSubject(seconds: number) {
  const { Subject: _subject, ...fields } = snsFields(seconds)
  return fields
}
const sns: Formula = {
  provider: 'aws-sns',
  secret: null,
  options: { certPem: certificate },
  covers: 'some',
  signature: [],
  body: '',
  sign: (_body, seconds) => ({ body: snsBody(snsFields(seconds)) }),
  time: { past: null, future: null },
}

const twilioUrl = 'https://hooks.example.com/in?foo=1&bar=2'
const twilioFields = [
  ['To', '+15555550101'],
  ['Body', 'Zoë & 🚀'],
  ['From', '+15555550100'],
] as const
const sorted = (fields: readonly (readonly [string, string])[]) =>
  fields
    .map(([name, value]) => name + value)
    .sort()
    .join('')
const twilio: Formula = {
  provider: 'twilio',
  secret,
  other,
  url: twilioUrl,
  body: form(twilioFields),
  covers: 'some',
  signature: ['X-Twilio-Signature'],
  sign: () => ({
    headers: { 'X-Twilio-Signature': hmac('sha1', secret, twilioUrl + sorted(twilioFields), 'base64') },
  }),
}

const plivoText = `https://hooks.example.com/in?bar=2&foo=1.${sorted(twilioFields)}.nonce-1`
const plivo: Formula = {
  ...twilio,
  provider: 'plivo',
  signature: ['X-Plivo-Signature-V3'],
  sign: () => ({
    headers: {
      'X-Plivo-Signature-V3': hmac('sha256', secret, plivoText, 'base64'),
      'X-Plivo-Signature-V3-Nonce': 'nonce-1',
    },
  }),
}

const adyenKey = '44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056'
const item = (reference: string, signed = reference, key = adyenKey) => {
  const text = ['psp-1', '', 'Merchant', signed, 1130, 'EUR', 'AUTHORISATION', 'true'].join(':')
  return {
    NotificationRequestItem: {
      additionalData: { hmacSignature: hmac('sha256', Buffer.from(key, 'hex'), text, 'base64') },
      amount: { value: 1130, currency: 'EUR' },
      eventCode: 'AUTHORISATION',
      merchantAccountCode: 'Merchant',
      merchantReference: reference,
      originalReference: '',
      pspReference: 'psp-1',
      reason: '',
      success: 'true',
    },
  }
}
const items = (...list: readonly unknown[]) => JSON.stringify({ live: 'false', notificationItems: list })
const adyen: Formula = {
  provider: 'adyen',
  secret: adyenKey,
  other: adyenKey.replace('4', '5'),
  covers: 'some',
  signature: [],
  body: items(item('order-1')),
  sign: () => ({}),
}

const mailgunBody = (seconds: number, event = 'delivered', key = secret) =>
  JSON.stringify({
    signature: { timestamp: String(seconds), token: 'abc', signature: hmac('sha256', key, `${seconds}abc`) },
    'event-data': { event, id: '1' },
  })
const mailgun: Formula = {
  provider: 'mailgun',
  secret,
  other,
  covers: 'some',
  signature: [],
  body: '',
  sign: (_body, seconds) => ({ body: mailgunBody(seconds) }),
  time: { past: null, future: null },
}

const payload = `${Buffer.from('<notification><kind>check</kind></notification>').toString('base64')}\n`
const braintreeHex = (text: string) => hmac('sha1', createHash('sha1').update(secret).digest(), text)
const braintreeBody = (pairs: string, text = payload) =>
  form([
    ['bt_signature', pairs],
    ['bt_payload', text],
  ])
const braintree: Formula = {
  provider: 'braintree',
  secret,
  other,
  options: { publicKey: 'pub1' },
  covers: 'some',
  signature: [],
  body: braintreeBody(`pub1|${braintreeHex(payload)}`),
  sign: () => ({}),
}

const contentfulKey = 'a'.repeat(64)
const contentfulHeaders = (body: string, seconds: number, path = '/in/one?x%3D1') => {
  const at = String(seconds * 1000)
  const names = 'content-type,x-contentful-signed-headers,x-contentful-timestamp'
  const values = `content-type:application/json;x-contentful-signed-headers:${names};x-contentful-timestamp:${at}`
  return {
    'Content-Type': 'application/json',
    'x-contentful-timestamp': at,
    'x-contentful-signed-headers': names,
    'x-contentful-signature': hmac('sha256', contentfulKey, `POST\n${path}\n${values}\n${body}`),
  }
}
const contentful: Formula = {
  provider: 'contentful',
  secret: contentfulKey,
  other: 'b'.repeat(64),
  url: 'https://hooks.example.com/in/one',
  signature: ['x-contentful-signature'],
  sign: (body, seconds) => ({ headers: contentfulHeaders(body, seconds, '/in/one') }),
  time: { past: 30, future: null, exclusive: true, header: 'x-contentful-timestamp' },
}

export const ownCode: readonly Formula[] = [paypal, sns, twilio, plivo, adyen, mailgun, braintree, contentful]

function one(formula: Formula, name: string, reason: string | undefined, overrides: Partial<Vector>): Vector {
  const refused = reason === undefined ? {} : { expected: 'invalid' as const, reason }
  return vector(formula, name, formula.sign(formula.body ?? json, now), { ...refused, ...overrides })
}

const right = paypalHeaders(json, now)
const foreign = 'https://api.paypal.com.evil.example/cert'
const jsonHash = createHash('sha256').update(json).digest('hex')
const hashUrl = `${twilioUrl}&bodySHA256=${jsonHash}`
const twilioSigned = (text: string) => ({ 'X-Twilio-Signature': hmac('sha1', secret, text, 'base64') })
const zero20 = Buffer.alloc(20).toString('hex')

export const ownCodeVectors: readonly Vector[] = [
  one(paypal, 'another webhook id', 'signature_mismatch', { headers: paypalHeaders(json, now, 'x') }),
  one(paypal, 'a foreign host', 'bad_cert_url', { headers: { ...right, 'PAYPAL-CERT-URL': foreign } }),
  one(paypal, 'no TLS', 'bad_cert_url', {
    headers: { ...right, 'PAYPAL-CERT-URL': right['PAYPAL-CERT-URL'].replace('https', 'http') },
  }),
  one(paypal, 'another algorithm', 'bad_algorithm', {
    headers: { ...right, 'PAYPAL-AUTH-ALGO': 'SHA1withRSA' },
  }),
  one(paypal, 'another transmission', 'signature_mismatch', {
    headers: { ...right, 'PAYPAL-TRANSMISSION-ID': 't-2' },
  }),
  one(sns, 'version 2', undefined, { body: snsBody(snsFields(now), '2') }),
  one(sns, 'no subject', undefined, { body: snsBody(snsFieldsWithoutSubject(now)) }),
  one(sns, 'a confirmation', undefined, {
    body: snsBody({
      ...snsFieldsWithoutSubject(now),
      Type: 'SubscriptionConfirmation',
      Token: 't',
      SubscribeURL: 'https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription',
    }),
  }),
  one(sns, 'China', undefined, { body: snsBody(snsFields(now), '1', 'sns.cn-north-1.amazonaws.com.cn') }),
  one(sns, 'other blanks and order', undefined, {
    body: JSON.stringify(
      Object.fromEntries(Object.entries(JSON.parse(snsBody(snsFields(now)))).reverse()),
      null,
      2,
    ),
  }),
  one(sns, 'another message', 'signature_mismatch', {
    body: snsBody(snsFields(now)).replace('line one', 'line 1'),
  }),
  one(sns, 'a foreign host', 'bad_cert_url', {
    body: snsBody(snsFields(now), '1', 'sns.eu-west-1.amazonaws.com.evil.example'),
  }),
  one(sns, 'a bucket of somebody’s', 'bad_cert_url', {
    body: snsBody(snsFields(now), '1', 's3.amazonaws.com'),
  }),
  one(sns, 'version 3', 'bad_version', {
    body: snsBody(snsFields(now), '2').replace('"SignatureVersion":"2"', '"SignatureVersion":"3"'),
  }),
  one(twilio, 'another field', 'signature_mismatch', { body: `${form(twilioFields)}&x=1` }),
  one(twilio, 'the port written out', undefined, { url: twilioUrl.replace('.com/', '.com:443/') }),
  one(twilio, 'signed with the port', undefined, {
    headers: twilioSigned(twilioUrl.replace('.com/', '.com:443/') + sorted(twilioFields)),
  }),
  one(twilio, 'another path', 'signature_mismatch', { url: twilioUrl.replace('/in', '/out') }),
  one(twilio, 'JSON, with its digest in the URL', undefined, {
    url: hashUrl,
    body: json,
    headers: twilioSigned(hashUrl),
  }),
  one(twilio, 'JSON, changed', 'body_hash_mismatch', {
    url: hashUrl,
    body: `${json} `,
    headers: twilioSigned(hashUrl),
  }),
  one(twilio, 'GET', undefined, { method: 'GET', body: '', headers: twilioSigned(twilioUrl) }),
  one(twilio, 'a repeated field', undefined, {
    body: 'A=2&A=1&A=2',
    headers: twilioSigned(`${twilioUrl}A1A2`),
  }),
  one(plivo, 'several signatures', undefined, {
    headers: {
      'X-Plivo-Signature-V3': `${Buffer.alloc(32).toString('base64')},${hmac('sha256', secret, plivoText, 'base64')}`,
      'X-Plivo-Signature-V3-Nonce': 'nonce-1',
    },
  }),
  one(plivo, 'another nonce', 'signature_mismatch', {
    headers: {
      'X-Plivo-Signature-V3': hmac('sha256', secret, plivoText, 'base64'),
      'X-Plivo-Signature-V3-Nonce': 'nonce-2',
    },
  }),
  one(plivo, 'no nonce', 'missing_signature', {
    headers: { 'X-Plivo-Signature-V3': hmac('sha256', secret, plivoText, 'base64') },
  }),
  one(plivo, 'another field', 'signature_mismatch', { body: form(twilioFields).replace('0101', '0102') }),
  one(adyen, 'two items', undefined, { body: items(item('order-1'), item('order-2')) }),
  one(adyen, 'the second of two is wrong', 'signature_mismatch', {
    body: items(item('order-1'), item('order-2', 'order-3')),
  }),
  one(adyen, 'no signature', 'missing_signature', {
    body: items({ NotificationRequestItem: { pspReference: '1' } }),
  }),
  one(adyen, 'a field that isn’t signed', undefined, {
    body: items(item('order-1')).replace('"reason":""', '"reason":"x"'),
  }),
  one(adyen, 'no items', 'bad_body', { body: items() }),
  one(mailgun, 'another event', undefined, { body: mailgunBody(now, 'failed') }),
  one(mailgun, 'another token', 'signature_mismatch', { body: mailgunBody(now).replace('"abc"', '"abd"') }),
  one(mailgun, 'no signature', 'missing_signature', { body: '{"event-data":{"event":"x"}}' }),
  one(mailgun, 'no JSON', 'bad_body', { body: 'x' }),
  one(braintree, 'several pairs', undefined, {
    body: braintreeBody(`pub0|${zero20}&pub1|${braintreeHex(payload)}`),
  }),
  one(braintree, 'signed without the newline', undefined, {
    body: braintreeBody(`pub1|${braintreeHex(payload)}`, payload),
  }),
  one(braintree, 'another public key', 'unknown_key', {
    body: braintreeBody(`pub2|${braintreeHex(payload)}`),
  }),
  one(braintree, 'another payload', 'signature_mismatch', {
    body: braintreeBody(`pub1|${braintreeHex(payload)}`, 'eA=='),
  }),
  one(braintree, 'no signature', 'missing_signature', { body: form([['bt_payload', payload]]) }),
  one(contentful, 'another path', 'signature_mismatch', { url: 'https://hooks.example.com/in/two' }),
  one(contentful, 'a path of one’s own', undefined, {
    url: 'https://hooks.example.com/behind/a/proxy',
    options: { path: '/in/one' },
  }),
  one(contentful, 'another method', 'signature_mismatch', { method: 'PUT' }),
  one(contentful, 'another signed header', 'signature_mismatch', {
    headers: { ...contentfulHeaders(json, now, '/in/one'), 'Content-Type': 'text/plain' },
  }),
]
