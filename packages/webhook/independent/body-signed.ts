import { type Formula, hmac, type Vector, vector } from './formula.ts'

/* An HMAC over the body alone: bare, or behind a label. */

const secret = 'shared-secret-1'
const other = 'shared-secret-2'
const key = '44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056'
const otherKey = '00782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056'
const macSecret = Buffer.from('an airtable secret').toString('base64')

function bare(
  provider: string,
  header: string,
  encoding: 'hex' | 'base64',
  differs: Partial<Formula> & { readonly hash?: string; readonly label?: string; readonly key?: Buffer } = {},
): Formula {
  const { hash = 'sha256', label = '', key = secret, ...more } = differs
  return {
    provider,
    secret,
    other,
    signature: [header],
    sign: body => ({ headers: { [header]: label + hmac(hash, key, body, encoding) } }),
    ...more,
  }
}

/** Linear's time is a member of the signed body, in milliseconds. */
const linear: Formula = {
  ...bare('linear', 'Linear-Signature', 'hex'),
  body: '{"action":"create","type":"Issue"}',
  covers: 'some',
  sign: (body, seconds) => {
    const timed = body.replace(/\}$/, `,"webhookTimestamp":${seconds * 1000}}`)
    return { body: timed, headers: { 'Linear-Signature': hmac('sha256', secret, timed) } }
  },
  // An hour more than the last retry's delay: a retry carries the time of the first request.
  time: { past: 28_860, future: 60 },
}

export const bodySigned: readonly Formula[] = [
  bare('shopify', 'X-Shopify-Hmac-Sha256', 'base64'),
  bare('line', 'x-line-signature', 'base64'),
  bare('woocommerce', 'X-WC-Webhook-Signature', 'base64'),
  bare('xero', 'x-xero-signature', 'base64', {
    // The key looks like base64, and is used as text.
    secret: 'c2hhcmVkLXNlY3JldC0x',
    key: Buffer.from('c2hhcmVkLXNlY3JldC0x'),
  }),
  bare('quickbooks', 'intuit-signature', 'base64'),
  bare('heroku', 'Heroku-Webhook-Hmac-SHA256', 'base64'),
  bare('docusign', 'X-DocuSign-Signature-1', 'base64'),
  bare('adyen-platform', 'HmacSignature', 'base64', {
    secret: key,
    other: otherKey,
    key: Buffer.from(key, 'hex'),
  }),
  bare('razorpay', 'X-Razorpay-Signature', 'hex'),
  bare('coinbase-commerce', 'X-CC-Webhook-Signature', 'hex'),
  bare('dropbox', 'X-Dropbox-Signature', 'hex'),
  bare('asana', 'X-Hook-Signature', 'hex'),
  bare('sentry', 'Sentry-Hook-Signature', 'hex'),
  bare('gocardless', 'Webhook-Signature', 'hex'),
  bare('pusher', 'X-Pusher-Signature', 'hex'),
  bare('lemonsqueezy', 'X-Signature', 'hex'),
  bare('vercel', 'x-vercel-signature', 'hex', { hash: 'sha1' }),
  bare('vercel-log-drain', 'x-vercel-signature', 'hex', { hash: 'sha1' }),
  bare('mollie-next-gen', 'X-Mollie-Signature', 'hex'),
  bare('github', 'X-Hub-Signature-256', 'hex', { label: 'sha256=' }),
  bare('meta', 'X-Hub-Signature-256', 'hex', { label: 'sha256=' }),
  bare('bitbucket', 'X-Hub-Signature', 'hex', { label: 'sha256=' }),
  bare('jira', 'X-Hub-Signature', 'hex', { label: 'sha256=' }),
  bare('notion', 'X-Notion-Signature', 'hex', { label: 'sha256=' }),
  bare('intercom', 'X-Hub-Signature', 'hex', { hash: 'sha1', label: 'sha1=' }),
  bare('typeform', 'Typeform-Signature', 'base64', { label: 'sha256=' }),
  bare('x', 'x-twitter-webhooks-signature', 'base64', { label: 'sha256=' }),
  bare('airtable', 'X-Airtable-Content-MAC', 'hex', {
    label: 'hmac-sha256=',
    secret: macSecret,
    other: Buffer.from('another one').toString('base64'),
    key: Buffer.from('an airtable secret'),
  }),
  bare('circleci', 'circleci-signature', 'hex', { label: 'v1=' }),
  bare('pagerduty', 'X-PagerDuty-Signature', 'hex', { label: 'v1=' }),
  linear,
]

const find = (provider: string): Formula => bodySigned.find(formula => formula.provider === provider)!
const body = '{"a":1}'
const zeros = '0'.repeat(64)
const hex = hmac('sha256', secret, body)

function one(
  provider: string,
  id: string,
  headers: Vector['headers'],
  reason?: string,
  overrides: Partial<Vector> = {},
): Vector {
  const refused = reason === undefined ? {} : { expected: 'invalid' as const, reason }
  return vector(find(provider), id, {}, { headers, body, ...refused, ...overrides })
}

/** What only some of them have: several signatures, older labels, other spellings. */
export const bodySignedVectors: readonly Vector[] = [
  one(
    'github',
    'sha1 alone',
    { 'X-Hub-Signature': `sha1=${hmac('sha1', secret, body)}` },
    'missing_signature',
  ),
  one('github', 'sha1 under the newer name', { 'X-Hub-Signature-256': `sha1=${hex}` }, 'signature_mismatch'),
  one('github', 'no label', { 'X-Hub-Signature-256': hex }, 'signature_mismatch'),
  one('github', 'upper case', { 'X-Hub-Signature-256': `sha256=${hex.toUpperCase()}` }, 'signature_mismatch'),
  one('github', 'an empty header', { 'X-Hub-Signature-256': '' }, 'missing_signature'),
  one('github', 'both headers', {
    'X-Hub-Signature': `sha1=${hmac('sha1', secret, body)}`,
    'X-Hub-Signature-256': `sha256=${hex}`,
  }),
  one('intercom', 'sha256', { 'X-Hub-Signature': `sha256=${hex}` }, 'signature_mismatch'),
  one('notion', 'upper case', { 'X-Notion-Signature': `sha256=${hex.toUpperCase()}` }),
  one('mollie-next-gen', 'a label', { 'X-Mollie-Signature': `sha256=${hex}` }),
  one('mollie-next-gen', 'another label', { 'X-Mollie-Signature': `sha1=${hex}` }, 'signature_mismatch'),
  one('circleci', 'a newer version beside', { 'circleci-signature': `v1=${hex},v2=${zeros}` }),
  one('circleci', 'a newer version first', { 'circleci-signature': `v2=abc,v1=${hex}` }),
  one('circleci', 'another version alone', { 'circleci-signature': `v2=${hex}` }, 'signature_mismatch'),
  one('pagerduty', 'two, the second is right', { 'X-PagerDuty-Signature': `v1=${zeros},v1=${hex}` }),
  one('pagerduty', 'a blank between', { 'X-PagerDuty-Signature': `v1=${zeros}, v1=${hex}` }),
  one(
    'pagerduty',
    'two, none is right',
    { 'X-PagerDuty-Signature': `v1=${zeros},v1=${zeros}` },
    'signature_mismatch',
  ),
  one('docusign', 'the second header', {
    'X-DocuSign-Signature-1': Buffer.alloc(32).toString('base64'),
    'X-DocuSign-Signature-2': hmac('sha256', secret, body, 'base64'),
  }),
  one('docusign', 'only the hundredth header', {
    'X-DocuSign-Signature-100': hmac('sha256', secret, body, 'base64'),
  }),
  one(
    'docusign',
    'a hundred and first',
    { 'X-DocuSign-Signature-101': hmac('sha256', secret, body, 'base64') },
    'missing_signature',
  ),
  one('shopify', 'hex', { 'X-Shopify-Hmac-Sha256': hex }, 'signature_mismatch'),
  one(
    'shopify',
    'no padding',
    { 'X-Shopify-Hmac-Sha256': hmac('sha256', secret, body, 'base64').slice(0, -1) },
    'signature_mismatch',
  ),
  one('razorpay', 'two bytes more', { 'X-Razorpay-Signature': `${hex}00` }, 'signature_mismatch'),
  one('vercel', 'sha256', { 'x-vercel-signature': hex }, 'signature_mismatch'),
  one(
    'woocommerce',
    'a secret with entities',
    { 'X-WC-Webhook-Signature': hmac('sha256', `a&b<c>"d'`, body, 'base64') },
    undefined,
    {
      secret: 'a&amp;b&lt;c&gt;&quot;d&#039;',
    },
  ),
  one(
    'adyen-platform',
    'a key in lower case',
    { HmacSignature: hmac('sha256', Buffer.from(key, 'hex'), body, 'base64') },
    undefined,
    {
      secret: key.toLowerCase(),
    },
  ),
  one('adyen-platform', 'a key that is no hex', { HmacSignature: 'A'.repeat(44) }, 'bad_secret', {
    secret: 'no hex',
  }),
  one('linear', 'no time in the body', { 'Linear-Signature': hex }, 'bad_timestamp'),
]
