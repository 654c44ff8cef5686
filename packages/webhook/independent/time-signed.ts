import { changing, type Formula, hmac, inHeader, now, type Vector } from './formula.ts'

/* An HMAC over time and body: in one header of pairs, or in headers of their own. */

const secret = 'shared-secret-1'
const other = 'shared-secret-2'
const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek'
const iso = (seconds: number) => new Date(seconds * 1000).toISOString()

/** `t=…,v1=…` and its likes. */
function pairs(
  provider: string,
  header: string,
  spelling: { time?: string; label?: string; between?: string; dot?: string; ms?: boolean; url?: boolean },
  bounds: NonNullable<Formula['time']>,
): Formula {
  const { time = 't', label = 'v1', between = ',', dot = '.', ms = false, url = false } = spelling
  return {
    provider,
    secret,
    other,
    signature: [header],
    time: bounds,
    sign(body, seconds) {
      const at = ms ? seconds * 1000 : seconds
      const signature = hmac('sha256', secret, `${at}${dot}${body}`, url ? 'base64url' : 'hex')
      return { headers: { [header]: `${time}=${at}${between}${label}=${signature}` } }
    },
  }
}

/** Time in a header of its own. */
function apart(
  provider: string,
  [header, timeHeader]: readonly [string, string],
  text: (at: string, body: string) => string,
  differs: {
    at?: (seconds: number) => string
    label?: string
    encoding?: 'hex' | 'base64'
    bounds: Omit<NonNullable<Formula['time']>, 'header'>
    more?: Readonly<Record<string, string>>
  },
): Formula {
  const { at = String, label = '', encoding = 'hex', bounds, more } = differs
  return {
    provider,
    secret,
    other,
    signature: [header],
    time: { ...bounds, header: timeHeader },
    sign(body, seconds) {
      const time = at(seconds)
      const signature = label + hmac('sha256', secret, text(time, body), encoding)
      return { headers: { [header]: signature, [timeHeader]: time, ...more } }
    },
  }
}

const unbounded = { past: null, future: null }

export const timeSigned: readonly Formula[] = [
  pairs('stripe', 'Stripe-Signature', {}, { past: 300, future: null }),
  pairs('calendly', 'Calendly-Webhook-Signature', {}, { past: 180, future: null }),
  pairs('mux', 'Mux-Signature', {}, { past: 300, future: null }),
  pairs('elevenlabs', 'ElevenLabs-Signature', { label: 'v0' }, { past: 1800, future: null }),
  pairs('workos', 'WorkOS-Signature', { between: ', ', ms: true }, { past: 180, future: null }),
  pairs('sanity', 'sanity-webhook-signature', { ms: true, url: true }, unbounded),
  pairs('buildkite', 'X-Buildkite-Signature', { time: 'timestamp', label: 'signature' }, unbounded),
  pairs(
    'paddle',
    'Paddle-Signature',
    { time: 'ts', label: 'h1', between: ';', dot: ':' },
    { past: 5, future: null },
  ),
  apart('slack', ['X-Slack-Signature', 'X-Slack-Request-Timestamp'], (at, body) => `v0:${at}:${body}`, {
    label: 'v0=',
    bounds: { past: 300, future: null },
  }),
  apart('zoom', ['x-zm-signature', 'x-zm-request-timestamp'], (at, body) => `v0:${at}:${body}`, {
    label: 'v0=',
    bounds: unbounded,
  }),
  apart(
    'zendesk',
    ['X-Zendesk-Webhook-Signature', 'X-Zendesk-Webhook-Signature-Timestamp'],
    (at, body) => at + body,
    { at: iso, encoding: 'base64', bounds: unbounded },
  ),
  apart('webflow', ['x-webflow-signature', 'x-webflow-timestamp'], (at, body) => `${at}:${body}`, {
    at: seconds => String(seconds * 1000),
    bounds: unbounded,
  }),
  apart(
    'twitch',
    ['Twitch-Eventsub-Message-Signature', 'Twitch-Eventsub-Message-Timestamp'],
    (at, body) => `${id}${at}${body}`,
    {
      at: seconds => iso(seconds).replace('.000Z', '.000000000Z'),
      label: 'sha256=',
      bounds: { past: 600, future: null },
      more: { 'Twitch-Eventsub-Message-Id': id, 'Twitch-Eventsub-Message-Type': 'notification' },
    },
  ),
  apart('box', ['BOX-SIGNATURE-PRIMARY', 'BOX-DELIVERY-TIMESTAMP'], (at, body) => body + at, {
    at: seconds => iso(seconds).replace('.000Z', '-00:00'),
    encoding: 'base64',
    bounds: { past: 600, future: 0 },
    more: { 'BOX-SIGNATURE-VERSION': '1', 'BOX-SIGNATURE-ALGORITHM': 'HmacSHA256' },
  }),
]

const zeros = '0'.repeat(64)

const one = changing(timeSigned)
const stripe = (change: (text: string) => string) => inHeader('Stripe-Signature', change)

export const timeSignedVectors: readonly Vector[] = [
  one(
    'stripe',
    'two v1, the second is right',
    stripe(all => all.replace(',v1', `,v1=${zeros},v1`)),
  ),
  one(
    'stripe',
    'v0 beside',
    stripe(all => `${all},v0=${zeros}`),
  ),
  one(
    'stripe',
    'v0 alone',
    stripe(all => all.replace('v1=', 'v0=')),
    'missing_signature',
  ),
  one(
    'stripe',
    'time alone',
    stripe(all => all.split(',')[0]!),
    'missing_signature',
  ),
  one(
    'stripe',
    'no time',
    stripe(all => all.split(',')[1]!),
    'missing_timestamp',
  ),
  one(
    'stripe',
    'a time that is none',
    stripe(all => all.replace(/t=\d+/, 't=soon')),
    'signature_mismatch',
  ),
  one(
    'stripe',
    'the order turned round',
    stripe(all => all.split(',').reverse().join(',')),
  ),
  one(
    'stripe',
    'the secret decoded',
    stripe(all => all),
    'signature_mismatch',
    { secret: `whsec_${secret}` },
  ),
  one(
    'stripe',
    'no tolerance asked for',
    stripe(all => all),
    undefined,
    {
      now: now + 86_400,
      assumes_tolerance_seconds: { past: 0, future: 0 },
    },
  ),
  one(
    'stripe',
    'a tolerance as one number',
    stripe(all => all),
    'stale_timestamp',
    {
      now: now + 11,
      assumes_tolerance_seconds: 10,
    },
  ),
  one(
    'paddle',
    'two h1, the first is right',
    inHeader('Paddle-Signature', all => `${all};h1=${zeros}`),
  ),
  one(
    'paddle',
    'two h1, the last is right',
    inHeader('Paddle-Signature', all => all.replace(';h1', `;h1=${zeros};h1`)),
  ),
  one(
    'paddle',
    'commas',
    inHeader('Paddle-Signature', all => all.replace(';', ',')),
    'signature_mismatch',
  ),
  one(
    'mux',
    'two v1',
    inHeader('Mux-Signature', all => all.replace(',v1', `,v1=${zeros},v1`)),
  ),
  one(
    'elevenlabs',
    'v1',
    inHeader('ElevenLabs-Signature', all => all.replace('v0=', 'v1=')),
    'missing_signature',
  ),
  one(
    'workos',
    'no blank',
    inHeader('WorkOS-Signature', all => all.replace(', ', ',')),
  ),
  one(
    'sanity',
    'padding',
    inHeader('sanity-webhook-signature', all => `${all}=`),
    'signature_mismatch',
  ),
  one(
    'slack',
    'another version',
    inHeader('X-Slack-Signature', all => all.replace('v0=', 'v1=')),
    'signature_mismatch',
  ),
  one('box', 'only the secondary', ({ 'BOX-SIGNATURE-PRIMARY': right, ...headers }) => ({
    ...headers,
    'BOX-SIGNATURE-SECONDARY': right,
  })),
  one('box', 'the secondary is right', headers => ({
    ...headers,
    'BOX-SIGNATURE-PRIMARY': Buffer.alloc(32).toString('base64'),
    'BOX-SIGNATURE-SECONDARY': headers['BOX-SIGNATURE-PRIMARY'],
  })),
  one(
    'box',
    'another algorithm',
    inHeader('BOX-SIGNATURE-ALGORITHM', () => 'HmacSHA1'),
    'bad_algorithm',
  ),
  one(
    'box',
    'another version',
    inHeader('BOX-SIGNATURE-VERSION', () => '2'),
    'bad_version',
  ),
  one(
    'twitch',
    'another id',
    inHeader('Twitch-Eventsub-Message-Id', () => 'x'),
    'signature_mismatch',
  ),
]
