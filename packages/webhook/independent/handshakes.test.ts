import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { checkVectors } from '../check-vectors.ts'
import { hmac } from './formula.ts'

/* Handshakes as their documentation has them, in the form of vectors/handshakes.json, right and wrong. */

const secret = 'shared-secret-1'
const seconds = 1_760_000_000
const nosniff = { 'content-type': 'text/plain', 'x-content-type-options': 'nosniff' }
const at = 'https://hooks.example.com/in'

interface Entry {
  readonly id: string
  readonly provider: string
  readonly secret?: string
  readonly options?: object
  readonly request: { method: string; url: string; headers: Record<string, unknown>; body: string }
  readonly response: object
}

function ask(
  provider: string,
  id: string,
  request: Partial<Entry['request']>,
  response: object,
  source: Pick<Entry, 'secret' | 'options'> = {},
): Entry {
  return {
    id,
    provider,
    ...source,
    request: { method: 'GET', url: at, headers: {}, body: '', ...request },
    response,
  }
}

const post = (body: object | string, headers: Record<string, unknown> = {}) => ({
  method: 'POST',
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})

const slackBody = JSON.stringify({ type: 'url_verification', challenge: 'zoë<b>' })
const slackHeaders = (key: string) => ({
  'X-Slack-Request-Timestamp': String(seconds),
  'X-Slack-Signature': `v0=${hmac('sha256', key, `v0:${seconds}:${slackBody}`)}`,
})
const zoomBody = JSON.stringify({ event: 'endpoint.url_validation', payload: { plainToken: 'abc' } })
const zoomHeaders = (key: string) => ({
  'x-zm-request-timestamp': String(seconds),
  'x-zm-signature': `v0=${hmac('sha256', key, `v0:${seconds}:${zoomBody}`)}`,
})
const twitchBody = JSON.stringify({ challenge: 'pogchamp', subscription: { type: 'channel.follow' } })
const twitchTime = '2025-10-09T08:53:20.000000000Z'
const twitchHeaders = (key: string, type = 'webhook_callback_verification') => ({
  'Twitch-Eventsub-Message-Id': 'id-1',
  'Twitch-Eventsub-Message-Type': type,
  'Twitch-Eventsub-Message-Timestamp': twitchTime,
  'Twitch-Eventsub-Message-Signature': `sha256=${hmac('sha256', key, `id-1${twitchTime}${twitchBody}`)}`,
})
const crc = (token: string) => ({
  json: { response_token: `sha256=${hmac('sha256', secret, token, 'base64')}` },
})
const challenge = 'c0ffee'.repeat(4)
const braintreeHmac = hmac('sha1', createHash('sha1').update(secret).digest(), challenge)
const origin = { 'webhook-request-origin': 'events.example.com' }

const entries: readonly Entry[] = [
  ask(
    'meta',
    'the words in another order',
    { url: `${at}?hub.verify_token=t&hub.challenge=a%2Bb%20c&hub.mode=subscribe` },
    { status: 200, headers: nosniff, text: 'a+b c' },
    { secret, options: { verifyToken: 't' } },
  ),
  ask('meta', 'no token', { url: `${at}?hub.mode=subscribe&hub.challenge=1` }, { status: 403 }, { secret }),
  ask(
    'dropbox',
    'script is text',
    { url: `${at}?challenge=%3Cscript%3E` },
    { status: 200, headers: nosniff, text: '<script>' },
  ),
  ask(
    'microsoft-graph',
    'a decoded token',
    { method: 'POST', url: `${at}?validationToken=a%20b%2Bc%3D` },
    { status: 200, headers: nosniff, text: 'a b+c=' },
    { secret },
  ),
  ask(
    'x',
    'another token',
    { url: `${at}?crc_token=MTE%3D` },
    { status: 200, headers: { 'content-type': 'application/json' }, ...crc('MTE=') },
    { secret },
  ),
  ask(
    'braintree',
    'a challenge',
    { url: `${at}?bt_challenge=${challenge}` },
    { status: 200, text: `pub1|${braintreeHmac}` },
    { secret, options: { publicKey: 'pub1' } },
  ),
  ask(
    'slack',
    'signed',
    post(slackBody, slackHeaders(secret)),
    { status: 200, headers: { 'Content-Type': 'text/plain' }, text: 'zoë<b>' },
    { secret },
  ),
  ask('slack', 'signed with another secret', post(slackBody, slackHeaders('x')), { status: 401 }, { secret }),
  ask('slack', 'not signed', post(slackBody), { status: 401 }, { secret }),
  ask('slack', 'an ordinary event', post({ type: 'event_callback' }), { status: 200 }),
  ask(
    'zoom',
    'signed',
    post(zoomBody, zoomHeaders(secret)),
    { status: 200, json: { plainToken: 'abc', encryptedToken: hmac('sha256', secret, 'abc') } },
    { secret },
  ),
  ask('zoom', 'signed with another secret', post(zoomBody, zoomHeaders('x')), { status: 401 }, { secret }),
  ask(
    'twitch',
    'signed',
    post(twitchBody, twitchHeaders(secret)),
    { status: 200, text: 'pogchamp' },
    { secret },
  ),
  ask(
    'twitch',
    'signed with another secret',
    post(twitchBody, twitchHeaders('x')),
    { status: 401 },
    { secret },
  ),
  ask(
    'twitch',
    'a revocation is an ordinary event',
    post(twitchBody, twitchHeaders(secret, 'revocation')),
    { status: 200 },
    { secret },
  ),
  ask('asana', 'with a body', post({ events: [] }, { 'x-hook-secret': 'abc' }), {
    status: 200,
    headers: { 'X-Hook-Secret': 'abc' },
  }),
  ask(
    'okta',
    'a header in upper case',
    { headers: { 'X-OKTA-VERIFICATION-CHALLENGE': ['abc'] } },
    { status: 200, json: { verification: 'abc' } },
  ),
  ask(
    'cloudevents',
    'no rate asked',
    { method: 'OPTIONS', headers: origin },
    { status: 200, headers: { 'WebHook-Allowed-Origin': 'events.example.com' } },
    { secret },
  ),
  ask(
    'cloudevents',
    'any rate',
    { method: 'OPTIONS', headers: { ...origin, 'webhook-request-rate': '*' } },
    { status: 200, headers: { 'webhook-allowed-rate': '*' } },
    { secret },
  ),
  ask(
    'cloudevents',
    'a sender that isn’t allowed',
    { method: 'OPTIONS', headers: origin },
    { status: 403 },
    { secret, options: { allowedOrigins: ['else.example'] } },
  ),
  ask('trello', 'HEAD', { method: 'HEAD' }, { status: 200, text: '' }, { secret }),
  ask('intercom', 'HEAD', { method: 'HEAD' }, { status: 200 }, { secret }),
  ask('discord', 'an event’s ping', post({ version: 1, type: 0 }), { status: 204, text: '' }),
  ask('discord', 'an interaction’s ping', post({ id: '1', type: 1 }), { status: 200, json: { type: 1 } }),
  ask(
    'discord',
    'a bad signature',
    post({ type: 1 }, { 'X-Signature-Timestamp': String(seconds), 'X-Signature-Ed25519': '00'.repeat(64) }),
    { status: 401 },
    { secret: '00'.repeat(32) },
  ),
  ask(
    'github',
    'a ping',
    post('{"zen":"x"}', {
      'X-GitHub-Event': 'ping',
      'X-Hub-Signature-256': `sha256=${hmac('sha256', secret, '{"zen":"x"}')}`,
    }),
    { status: 200 },
    { secret },
  ),
  ask('pagerduty', 'a ping', post({ event: { event_type: 'pagey.ping' } }), { status: 200 }),
  ask(
    'xero',
    'a good signature',
    post('{"events":[]}', { 'x-xero-signature': hmac('sha256', secret, '{"events":[]}', 'base64') }),
    { status: 200, text: '' },
    { secret },
  ),
  ask(
    'xero',
    'a bad signature',
    post('{"events":[]}', { 'x-xero-signature': hmac('sha256', 'x', '{"events":[]}', 'base64') }),
    { status: 401, text: '' },
    { secret },
  ),
  ask(
    'notion',
    'a token beside other members',
    post({ a: [1, { verification_token: 'no' }], verification_token: 'secret_1' }),
    { status: 200 },
  ),
  ask(
    'vercel-log-drain',
    'another value',
    {},
    { status: 200, headers: { 'x-vercel-verify': 'abc' } },
    { secret, options: { verify: 'abc' } },
  ),
]

test.each(entries.map(entry => [entry.provider, entry.id, entry] as const))(
  '%s: %s',
  async (_provider, _id, entry) => {
    expect(await checkVectors([entry])).toMatchObject([{ passed: true }])
  },
)

test('an answer that differs is told', async () => {
  const wrong = ask('dropbox', 'another text', { url: `${at}?challenge=abc` }, { status: 204, text: 'abd' })
  expect(await checkVectors([wrong])).toMatchObject([
    { passed: false, note: 'status 200, expected 204; body abc' },
  ])
})
