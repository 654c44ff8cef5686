import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign as signWithKey,
} from 'node:crypto'
import { type Formula, hmac, json, now, type Vector, vector } from './formula.ts'

/* Where the URL or the secret is part of the text, where a public key verifies, and where the secret itself is sent. */

const secret = 'shared-secret-1'
const other = 'shared-secret-2'
const url = 'https://hooks.example.com/in/one?x=1&y=a%20b'
const digest = (hash: string, text: string) => createHash(hash).update(text).digest('hex')

function urlSigned(
  provider: string,
  header: string,
  text: (body: string, seconds: number) => string,
  differs: Partial<Formula> & { readonly hash?: string; readonly timeHeader?: string } = {},
): Formula {
  const { hash = 'sha256', timeHeader, ...more } = differs
  return {
    provider,
    secret,
    other,
    url,
    signature: [header],
    sign: (body, seconds) => ({
      headers: {
        [header]: hmac(hash, secret, text(body, seconds), 'base64'),
        ...(timeHeader && { [timeHeader]: String(seconds * 1000) }),
      },
    }),
    ...(timeHeader && { time: { past: 300, future: null, header: timeHeader } }),
    ...more,
  }
}

function hashed(
  provider: string,
  header: string,
  text: (body: string) => string,
  more: Partial<Formula>,
): Formula {
  return {
    provider,
    secret,
    other,
    signature: [header],
    sign: body => ({ headers: { [header]: digest('sha256', text(body)) } }),
    ...more,
  }
}

const ed25519 = generateKeyPairSync('ed25519')
const other25519 = generateKeyPairSync('ed25519').publicKey
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const raw = (key: typeof other25519) => key.export({ format: 'der', type: 'spki' }).subarray(-32)
const spki = (key: typeof other25519) => key.export({ format: 'der', type: 'spki' }).toString('base64')
const id = 'msg_1'

function publicKey(
  provider: string,
  keys: readonly [string, string],
  [header, timeHeader]: readonly [string, string],
  text: (seconds: number, body: string) => string,
  encode: (signature: Buffer) => string,
  bounds: { past: number | null; future: number | null },
  more: Readonly<Record<string, string>> = {},
): Formula {
  const isEd25519 = provider !== 'sendgrid'
  return {
    provider,
    secret: keys[0],
    other: keys[1],
    signature: [header],
    time: { ...bounds, header: timeHeader },
    sign(body, seconds) {
      const data = Buffer.from(text(seconds, body))
      const signature = signWithKey(
        isEd25519 ? null : 'sha256',
        data,
        (isEd25519 ? ed25519 : p256).privateKey,
      )
      return { headers: { [header]: encode(signature), [timeHeader]: String(seconds), ...more } }
    },
  }
}

/** The secret is sent along, and the body isn't protected. */
function token(provider: string, header: string, value: string, more: Partial<Formula> = {}): Formula {
  return {
    provider,
    secret,
    other,
    covers: 'nothing',
    signature: [header],
    sign: () => ({ headers: { [header]: value } }),
    ...more,
  }
}

const credentials = 'ada:s3cret:with:colons'
const basic = (provider: string) =>
  token(provider, 'Authorization', `Basic ${Buffer.from(credentials).toString('base64')}`, {
    secret: credentials,
    other: 'ada:other',
  })
const unbounded = { past: null, future: null }

export const urlAndKeys: readonly Formula[] = [
  urlSigned('square', 'x-square-hmacsha256-signature', body => url + body),
  urlSigned('trello', 'X-Trello-Webhook', body => body + url, { hash: 'sha1' }),
  urlSigned('hubspot-v3', 'X-HubSpot-Signature-v3', (body, seconds) => `POST${url}${body}${seconds * 1000}`, {
    timeHeader: 'X-HubSpot-Request-Timestamp',
  }),
  hashed('hubspot-v1', 'X-HubSpot-Signature', body => secret + body, {}),
  hashed('hubspot-v2', 'X-HubSpot-Signature', body => `${secret}POST${url}${body}`, { url }),
  {
    provider: 'cloudinary',
    secret,
    other,
    signature: ['X-Cld-Signature'],
    time: { past: 7200, future: null, header: 'X-Cld-Timestamp' },
    sign: (body, seconds) => ({
      headers: {
        'X-Cld-Timestamp': String(seconds),
        'X-Cld-Signature': digest('sha1', `${body}${seconds}${secret}`),
      },
    }),
  },
  publicKey(
    'discord',
    [raw(ed25519.publicKey).toString('hex'), raw(other25519).toString('hex')],
    ['X-Signature-Ed25519', 'X-Signature-Timestamp'],
    (seconds, body) => `${seconds}${body}`,
    signature => signature.toString('hex'),
    unbounded,
  ),
  publicKey(
    'telnyx',
    [raw(ed25519.publicKey).toString('base64'), raw(other25519).toString('base64')],
    ['telnyx-signature-ed25519', 'telnyx-timestamp'],
    (seconds, body) => `${seconds}|${body}`,
    signature => signature.toString('base64'),
    { past: 300, future: 300 },
  ),
  publicKey(
    'sendgrid',
    [spki(p256.publicKey), spki(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)],
    ['X-Twilio-Email-Event-Webhook-Signature', 'X-Twilio-Email-Event-Webhook-Timestamp'],
    (seconds, body) => `${seconds}${body}`,
    signature => signature.toString('base64'),
    unbounded,
  ),
  publicKey(
    'standard-webhooks-v1a',
    [`whpk_${raw(ed25519.publicKey).toString('base64')}`, `whpk_${raw(other25519).toString('base64')}`],
    ['webhook-signature', 'webhook-timestamp'],
    (seconds, body) => `${id}.${seconds}.${body}`,
    signature => `v1a,${signature.toString('base64')}`,
    { past: 300, future: 300 },
    { 'webhook-id': id },
  ),
  token('gitlab-token', 'X-Gitlab-Token', secret),
  token('telegram', 'X-Telegram-Bot-Api-Secret-Token', secret),
  token('okta', 'Authorization', secret),
  token('cloudevents', 'Authorization', `Bearer ${secret}`),
  basic('postmark'),
  basic('chargebee'),
  basic('pipedrive'),
  {
    ...token('microsoft-graph', '', ''),
    signature: [],
    body: `{"value":[{"id":"1","clientState":"${secret}","changeType":"created"}]}`,
    sign: () => ({}),
  },
  {
    ...token('mollie', '', ''),
    secret: null,
    signature: [],
    options: { acceptUnsigned: true },
    sign: () => ({}),
  },
  {
    ...token('docker-hub', '', ''),
    secret: null,
    signature: [],
    options: { acceptUnsigned: true },
    sign: () => ({}),
  },
]

const find = (provider: string): Formula => urlAndKeys.find(formula => formula.provider === provider)!

function one(provider: string, name: string, reason: string | undefined, overrides: Partial<Vector>): Vector {
  const formula = find(provider)
  const refused = reason === undefined ? {} : { expected: 'invalid' as const, reason }
  return vector(formula, name, formula.sign(formula.body ?? json, now), { ...refused, ...overrides })
}

const notifications = (...states: readonly unknown[]) =>
  JSON.stringify({ value: states.map(clientState => ({ clientState, changeType: 'created' })) })
const hubSpotUrl = 'https://hooks.example.com/in?q=a%3Ab%2Fc%40d&z=%21'
const decodedUrl = 'https://hooks.example.com/in?q=a:b/c@d&z=!'

export const urlAndKeysVectors: readonly Vector[] = [
  ...['square', 'trello', 'hubspot-v2', 'hubspot-v3'].flatMap(provider =>
    [`${url}&z=1`, url.replace('https', 'http'), url.replace('/one', '/two'), url.split('?')[0]!].map(
      (changed, i) => one(provider, `another URL ${i}`, 'signature_mismatch', { url: changed }),
    ),
  ),
  one('hubspot-v3', 'another method', 'signature_mismatch', { method: 'PUT' }),
  one('hubspot-v3', 'an escaped URL, signed decoded', undefined, {
    url: hubSpotUrl,
    headers: {
      'X-HubSpot-Signature-v3': hmac('sha256', secret, `POST${decodedUrl}${json}${now * 1000}`, 'base64'),
      'X-HubSpot-Request-Timestamp': String(now * 1000),
    },
  }),
  one('hubspot-v3', 'an escaped URL, signed as it is', undefined, {
    url: hubSpotUrl,
    headers: {
      'X-HubSpot-Signature-v3': hmac('sha256', secret, `POST${hubSpotUrl}${json}${now * 1000}`, 'base64'),
      'X-HubSpot-Request-Timestamp': String(now * 1000),
    },
  }),
  one('cloudinary', 'SHA-256', undefined, {
    options: { algorithm: 'sha256' },
    headers: {
      'X-Cld-Timestamp': String(now),
      'X-Cld-Signature': digest('sha256', `${json}${now}${secret}`),
    },
  }),
  one('cloudinary', 'SHA-256 where SHA-1 is set', 'signature_mismatch', {
    headers: {
      'X-Cld-Timestamp': String(now),
      'X-Cld-Signature': digest('sha256', `${json}${now}${secret}`),
    },
  }),
  one('discord', 'a key in upper case', undefined, { secret: find('discord').secret!.toUpperCase() }),
  one('discord', 'base64', 'signature_mismatch', {
    headers: {
      'X-Signature-Timestamp': String(now),
      'X-Signature-Ed25519': Buffer.alloc(64).toString('base64'),
    },
  }),
  one('sendgrid', 'a key as PEM', undefined, {
    secret: p256.publicKey.export({ format: 'pem', type: 'spki' }).toString(),
  }),
  one('sendgrid', 'a signature of 64 bytes instead of DER', 'signature_mismatch', {
    headers: {
      'X-Twilio-Email-Event-Webhook-Timestamp': String(now),
      'X-Twilio-Email-Event-Webhook-Signature': signWithKey('sha256', Buffer.from(`${now}${json}`), {
        key: createPrivateKey(p256.privateKey.export({ format: 'pem', type: 'pkcs8' })),
        dsaEncoding: 'ieee-p1363',
      }).toString('base64'),
    },
  }),
  one('standard-webhooks-v1a', 'a list with v1 before', undefined, {
    headers: {
      'webhook-id': id,
      'webhook-timestamp': String(now),
      'webhook-signature': `v1,AAAA v1a,${signWithKey(null, Buffer.from(`${id}.${now}.${json}`), ed25519.privateKey).toString('base64')}`,
    },
  }),
  one('standard-webhooks-v1a', 'a key without its prefix', undefined, {
    secret: raw(createPublicKey(ed25519.privateKey)).toString('base64'),
  }),
  one('okta', 'a header of one’s own', undefined, {
    options: { header: 'X-Hook-Key' },
    headers: { 'x-hook-key': secret },
  }),
  one('okta', 'the usual header, where another is set', 'missing_signature', {
    options: { header: 'X-Hook-Key' },
  }),
  one('gitlab-token', 'a prefix of the token', 'signature_mismatch', {
    headers: { 'X-Gitlab-Token': secret.slice(0, -1) },
  }),
  one('gitlab-token', 'the token in upper case', 'signature_mismatch', {
    headers: { 'X-Gitlab-Token': secret.toUpperCase() },
  }),
  one('gitlab-token', 'an empty token', 'missing_signature', { headers: { 'X-Gitlab-Token': '' } }),
  one('cloudevents', 'a token in the query', undefined, {
    headers: {},
    url: `https://e.example/in?access_token=${secret}`,
  }),
  one('cloudevents', 'a wrong token in the query', 'signature_mismatch', {
    headers: {},
    url: 'https://e.example/in?access_token=x',
  }),
  one('cloudevents', 'bearer in lower case', undefined, { headers: { Authorization: `bearer ${secret}` } }),
  one('cloudevents', 'no Bearer', 'signature_mismatch', { headers: { Authorization: secret } }),
  one('postmark', 'a wrong password', 'signature_mismatch', {
    headers: { Authorization: `Basic ${Buffer.from('ada:x').toString('base64')}` },
  }),
  one('postmark', 'Bearer', 'signature_mismatch', { headers: { Authorization: `Bearer ${credentials}` } }),
  one('microsoft-graph', 'two of one clientState', undefined, { body: notifications(secret, secret) }),
  one('microsoft-graph', 'one of two is wrong', 'signature_mismatch', { body: notifications(secret, 'x') }),
  one('microsoft-graph', 'one of two has none', 'missing_signature', {
    body: notifications(secret, undefined),
  }),
  one('microsoft-graph', 'none at all', 'bad_body', { body: '{"value":[]}' }),
]
