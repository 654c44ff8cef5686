import { changing, type Formula, hmac, inHeader, json, now, type Vector } from './formula.ts'

/* Standard Webhooks and the providers that sign by it: the same headers, four forms of a key, two prefixes of headers. */

const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek'

/** The four forms of a key behind the same headers. */
function standard(
  provider: string,
  key: { readonly secret: string; readonly other: string; readonly bytes: Buffer },
  brand = 'webhook',
  bounds: { past: number | null; future: number | null } = { past: 300, future: 300 },
): Formula {
  return {
    provider,
    secret: key.secret,
    other: key.other,
    signature: [`${brand}-signature`],
    time: { ...bounds, header: `${brand}-timestamp` },
    sign: (body, seconds) => ({
      headers: {
        [`${brand}-id`]: id,
        [`${brand}-timestamp`]: String(seconds),
        [`${brand}-signature`]: `v1,${hmac('sha256', key.bytes, `${id}.${seconds}.${body}`, 'base64')}`,
      },
    }),
  }
}

const bytes = Buffer.from('0123456789abcdef0123456789abcdef')
const whsec = {
  secret: `whsec_${bytes.toString('base64')}`,
  other: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
  bytes,
}
const text = { secret: 'whsec_polar_text', other: 'another', bytes: Buffer.from('whsec_polar_text') }
const supabase = { ...whsec, secret: `v1,${whsec.secret}`, other: `v1,${whsec.other}` }
const unbounded = { past: null, future: null }

export const standardWebhooks: readonly Formula[] = [
  standard('standard-webhooks', whsec),
  standard('svix', whsec, 'svix'),
  standard('clerk', whsec, 'svix'),
  standard('resend', whsec, 'svix'),
  standard('openai', whsec),
  standard('anthropic', whsec),
  standard('replicate', whsec, 'webhook', unbounded),
  standard('polar', text),
  standard('liveblocks', whsec),
  standard('supabase-auth-hooks', supabase),
  standard('bigcommerce', { ...text, secret: 'client-secret', bytes: Buffer.from('client-secret') }),
  standard('gitlab-signing-token', whsec),
]

const one = changing(standardWebhooks)
const webhook = (change: (text: string) => string) => inHeader('webhook-signature', change)

export const standardWebhooksVectors: readonly Vector[] = [
  one(
    'standard-webhooks',
    'a list, the last is right',
    webhook(all => `v1,${Buffer.alloc(32).toString('base64')} v1a,AAAA ${all}`),
  ),
  one(
    'standard-webhooks',
    'a list that is no list of ours',
    webhook(all => all.replace('v1,', 'v1a,')),
    'missing_signature',
  ),
  one(
    'standard-webhooks',
    'no label',
    webhook(all => all.slice(3)),
    'signature_mismatch',
  ),
  one(
    'standard-webhooks',
    'hex',
    webhook(all => `v1,${Buffer.from(all.slice(3), 'base64').toString('hex')}`),
    'signature_mismatch',
  ),
  one(
    'standard-webhooks',
    'another id',
    inHeader('webhook-id', () => 'msg_2'),
    'signature_mismatch',
  ),
  one(
    'standard-webhooks',
    'without an id',
    ({ 'webhook-id': _id, ...headers }) => headers,
    'missing_signature',
  ),
  one(
    'standard-webhooks',
    'a secret without its prefix',
    webhook(all => all),
    undefined,
    { secret: bytes.toString('base64') },
  ),
  one('standard-webhooks', 'a list as a list of values', headers => ({
    ...headers,
    'webhook-signature': [`v1,${Buffer.alloc(32).toString('base64')} ${headers['webhook-signature']}`],
  })),
  one('svix', 'names without a brand', headers =>
    Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.replace('svix', 'webhook'), value]),
    ),
  ),
  one(
    'openai',
    'a secret that is text',
    webhook(() => `v1,${hmac('sha256', 'plain', `${id}.${now}.${json}`, 'base64')}`),
    undefined,
    {
      secret: 'plain',
    },
  ),
  one(
    'replicate',
    'another prefix',
    webhook(all => all),
    undefined,
    { secret: `r8_whsec_${bytes.toString('base64')}` },
  ),
  one(
    'polar',
    'the same secret decoded',
    webhook(all => all),
    'signature_mismatch',
    { secret: 'polar_text' },
  ),
  one(
    'supabase-auth-hooks',
    'two secrets in one text',
    webhook(all => all),
    undefined,
    {
      secret: `${supabase.other}|${supabase.secret}`,
    },
  ),
  one(
    'supabase-auth-hooks',
    'whsec_ alone',
    webhook(all => all),
    undefined,
    { secret: whsec.secret },
  ),
]
