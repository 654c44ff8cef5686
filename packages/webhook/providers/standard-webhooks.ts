import type { IdentityRule } from '../verify/identity-rule.ts'
import type { KeyForm } from '../verify/key.ts'
import type { Provenance, Provider, ProviderIdentity, SchemeDefinition } from './provider.ts'

/*
 * Standard Webhooks, and those who send it under two header names and with four forms of the key. What is signed is
 * always `id.timestamp.body`; signatures stand in a list, `v1,<base64>`.
 */

function standard(
  key: KeyForm,
  brand: 'webhook' | 'svix' = 'webhook',
  tolerance: 300 | null = 300,
): SchemeDefinition {
  return {
    kind: 'signature',
    algorithm: 'hmac-sha256',
    key,
    encoding: 'base64',
    headers: [`${brand}-signature`],
    list: ' ',
    prefix: 'v1,',
    id: `${brand}-id`,
    timestamp: { header: `${brand}-timestamp`, unit: 's', past: tolerance, future: tolerance },
    content: ['{id}', '.', '{timestamp}', '.', '{body}'],
    // Svix' own library takes the unbranded names too.
    ...(brand === 'svix' && { otherBrand: { from: 'svix-', to: 'webhook-' } }),
  }
}

const svixRetries = 'at once, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h'
const svixAnswer = { text: 'any 2xx', timeoutSeconds: 15 }

const specification =
  'https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md'

type Row = Pick<
  Provider,
  'name' | 'title' | 'documentation' | 'copy' | 'secretSeparator' | 'answer' | 'retries' | 'provenance'
> & {
  readonly scheme: SchemeDefinition
  readonly brand?: 'svix'
  readonly type?: readonly IdentityRule[]
  /** For a sender that gives a repeat another webhook-id. */
  readonly identity?: Pick<ProviderIdentity, 'id' | 'apart' | 'kept'>
  /** The source of the claim that a repeat keeps the id; default the specification. */
  readonly idSource?: string
  readonly body: string
  readonly notes?: readonly string[]
  readonly sampleHeaders?: Readonly<Record<string, string>>
}

function row({ brand, type, identity, idSource, body, sampleHeaders, ...rest }: Row): Provider {
  return {
    ...rest,
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [...(brand ? [{ header: `${brand}-id` }] : []), { header: 'webhook-id' }],
      type: type ?? [{ member: 'type' }],
      apart: 'the id',
      kept: 'the id; its timestamp and signature are new',
      source: idSource ?? specification,
      ...identity,
    },
    sample: { body, ...(sampleHeaders && { headers: sampleHeaders }) },
  }
}

function run(by: string, fromMemory: Provenance['fromMemory'] = ['copy']): Provenance {
  return { scheme: 'run', by, fromMemory: fromMemory ?? [] }
}

export const standardWebhooksRows: readonly Provider[] = [
  row({
    name: 'standard-webhooks',
    title: 'Standard Webhooks',
    documentation: specification,
    copy: { what: 'Signing secret, whsec_…', where: 'the sender’s page of this endpoint' },
    scheme: standard('whsec'),
    answer: { text: '2xx; 410 disables the endpoint, 429, 502 and 504 slow it down', timeoutSeconds: 15 },
    retries: 'advised: at once, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h',
    body: '{"type":"contact.created","timestamp":"2026-03-14T10:22:19.000Z","data":{"id":"1f81eb52-5198-4599-803e-771906343485","email":"ada@example.com"}}',
    provenance: run('standardwebhooks', []),
  }),
  {
    ...row({
      name: 'standard-webhooks-v1a',
      title: 'Standard Webhooks, asymmetric',
      documentation: specification,
      copy: { what: 'Public key, whpk_…', where: 'the sender’s page of this endpoint' },
      scheme: {
        ...(standard('whpk') as Extract<SchemeDefinition, { kind: 'signature' }>),
        algorithm: 'ed25519',
        prefix: 'v1a,',
      },
      answer: { text: '2xx', timeoutSeconds: 15 },
      retries: 'as Standard Webhooks',
      body: '{"type":"contact.created","timestamp":"2026-03-14T10:22:19.000Z","data":{"id":"1f81eb52-5198-4599-803e-771906343485"}}',
      // No JavaScript package verifies v1a.
      provenance: { scheme: 'vectors', by: 'the published key and request of Svix’ server' },
    }),
    variantOf: 'standard-webhooks',
  },
  row({
    name: 'svix',
    title: 'Svix',
    documentation: 'https://docs.svix.com/receiving/verifying-payloads/how',
    copy: { what: 'Signing secret, whsec_…', where: 'the endpoint’s page in the sender’s App Portal' },
    scheme: standard('whsec', 'svix'),
    brand: 'svix',
    answer: svixAnswer,
    retries: svixRetries,
    body: '{"type":"invoice.paid","data":{"id":"invoice_WF7WtCLFFtd8ubcTgboSFNql","status":"paid","attempt":2}}',
    provenance: run('svix', []),
  }),
  row({
    name: 'clerk',
    title: 'Clerk',
    documentation: 'https://clerk.com/docs/webhooks/overview',
    copy: { what: 'Signing secret, whsec_…', where: 'Dashboard → Webhooks → the endpoint' },
    scheme: standard('whsec', 'svix'),
    brand: 'svix',
    answer: svixAnswer,
    retries: svixRetries,
    body: '{"type":"user.created","object":"event","timestamp":1654012591835,"data":{"id":"user_29w83sxmDNGwOuEthce5gg56FcC","object":"user","first_name":"Example","email_addresses":[{"email_address":"ada@example.com","id":"idn_29w83yL7CwVlJXylYLxcslromF1"}]}}',
    provenance: run('@clerk/backend', []),
  }),
  row({
    name: 'resend',
    title: 'Resend',
    documentation: 'https://resend.com/docs/dashboard/webhooks/verify-webhooks-requests',
    copy: { what: 'Signing secret, whsec_…', where: 'Dashboard → Webhooks → the endpoint' },
    scheme: standard('whsec', 'svix'),
    brand: 'svix',
    answer: svixAnswer,
    retries: svixRetries,
    body: '{"type":"email.delivered","created_at":"2026-02-22T23:41:12.126Z","data":{"email_id":"56761188-7520-42d8-8898-ff6fc54ce618","from":"Acme <onboarding@example.com>","to":["ada@example.com"],"subject":"Sending this example"}}',
    provenance: run('resend'),
  }),
  row({
    name: 'openai',
    title: 'OpenAI',
    documentation: 'https://platform.openai.com/docs/guides/webhooks',
    copy: { what: 'Signing secret, whsec_…', where: 'Platform → Settings → Project → Webhooks; shown once' },
    scheme: standard('whsec-or-utf8'),
    answer: { text: '2xx' },
    retries: 'up to 72 hours',
    body: '{"object":"event","id":"evt_685343a1381c819085d44c354e1b330e","type":"response.completed","created_at":1750287018,"data":{"id":"resp_abc123"}}',
    provenance: run('openai', ['retries', 'copy']),
  }),
  row({
    name: 'anthropic',
    title: 'Anthropic',
    documentation: 'https://platform.claude.com/docs/en/api/webhooks',
    copy: { what: 'Signing secret, whsec_…', where: 'Console → Settings → Webhooks' },
    scheme: standard('whsec'),
    type: [{ member: 'data.type' }, { member: 'type' }],
    answer: { text: '2xx' },
    retries: 'none known',
    body: '{"type":"event","id":"wevt_01ABC","created_at":"2026-01-01T00:00:00Z","data":{"type":"message_batch.ended","id":"msgbatch_01"}}',
    provenance: run('@anthropic-ai/sdk', ['retries', 'copy']),
  }),
  row({
    name: 'replicate',
    title: 'Replicate',
    documentation: 'https://replicate.com/docs/topics/webhooks/verify-webhook',
    copy: { what: 'Signing secret, whsec_…', where: 'GET /v1/webhooks/default/secret' },
    idSource: 'https://replicate.com/docs/topics/webhooks/verify-webhook',
    scheme: standard('base64-after-underscore', 'webhook', null),
    type: [{ member: 'status' }],
    answer: { text: '2xx' },
    retries: 'for terminal states only',
    notes: ['Replicate’s own library checks no time; set toleranceSeconds to do so.'],
    body: '{"id":"ufawqhfynnddngldkgtslldrkq","version":"5c7d5dc6","created_at":"2026-04-26T22:13:06.224088Z","completed_at":"2026-04-26T22:13:06.580379Z","status":"succeeded","output":["https://example.com/out-0.png"]}',
    provenance: run('replicate', ['retries', 'copy']),
  }),
  row({
    name: 'polar',
    title: 'Polar',
    documentation: 'https://polar.sh/docs/integrate/webhooks/delivery',
    copy: { what: 'Webhook secret, the whole text', where: 'Organization → Settings → Webhooks' },
    scheme: standard('utf8'),
    answer: { text: '2xx', timeoutSeconds: 10 },
    retries: 'up to 10 times',
    body: '{"type":"order.paid","timestamp":"2026-05-02T09:00:00Z","data":{"id":"b9e1c3f5-7f5e-4a4b-9a0a-0b3f2f1d5a11","status":"paid","total_amount":1200,"currency":"usd"}}',
    provenance: run('@polar-sh/sdk', ['answer', 'retries', 'copy']),
  }),
  row({
    name: 'liveblocks',
    title: 'Liveblocks',
    documentation: 'https://liveblocks.io/docs/platform/webhooks',
    copy: { what: 'Signing secret, whsec_…', where: 'Dashboard → the project → Webhooks' },
    scheme: standard('whsec'),
    answer: svixAnswer,
    retries: svixRetries,
    body: '{"type":"roomCreated","data":{"projectId":"605a4adc5a5b2c0d","roomId":"examples-hero","createdAt":"2026-10-06T01:45:56.558Z"}}',
    provenance: run('@liveblocks/node'),
  }),
  row({
    name: 'supabase-auth-hooks',
    title: 'Supabase auth hooks',
    documentation: 'https://supabase.com/docs/guides/auth/auth-hooks',
    copy: { what: 'Secret, v1,whsec_…', where: 'Dashboard → Authentication → Hooks' },
    secretSeparator: '|',
    idSource: 'https://github.com/supabase/auth/blob/master/internal/hooks/hookshttp/hookshttp.go',
    // Each try makes a webhook-id of its own for the same body.
    identity: {
      id: [{ member: 'metadata.uuid' }, { header: 'webhook-id' }],
      apart: 'metadata.uuid',
      kept: 'the body and with it metadata.uuid; webhook-id, timestamp and signature are new',
    },
    scheme: standard('whsec'),
    type: [{ member: 'metadata.name' }],
    answer: {
      text: '200 with the hook’s JSON; 429 and 503 with retry-after are tried again',
      timeoutSeconds: 5,
    },
    retries: 'up to 3 tries',
    notes: [
      'Database webhooks of Supabase are another thing: unsigned, with whatever header you set (use custom).',
    ],
    body: '{"metadata":{"uuid":"8b6f9c4e-7a0b-4d0e-9f64-8f3c6a1d2b11","time":"2026-01-01T00:00:00Z","name":"send-sms"},"user":{"id":"8484b834-f29e-4af2-bf42-80644d154f76","phone":"15555550100"},"sms":{"otp":"561166"}}',
    provenance: {
      scheme: 'memory',
      by: 'standardwebhooks on vectors of our own',
      fromMemory: ['copy'],
    },
  }),
  row({
    name: 'bigcommerce',
    title: 'BigCommerce',
    documentation: 'https://developer.bigcommerce.com/docs/integrations/webhooks',
    copy: { what: 'Client secret of the app', where: 'Developer Portal → the app → View Client ID' },
    idSource: 'https://developer.bigcommerce.com/docs/integrations/webhooks',
    scheme: standard('utf8'),
    type: [{ member: 'scope' }],
    answer: { text: '200' },
    retries: '11 times from 60 s to 86,400 s over 48 h, then the webhook is deactivated',
    notes: ['Below 90 % success the whole domain is left out for 3 minutes.'],
    body: '{"producer":"stores/abcde","hash":"0f1b5800def7b505369b08b4a3503a1db2c4b1a6","created_at":1688588419,"store_id":"1001197568","scope":"store/order/updated","data":{"type":"order","id":272}}',
    provenance: run('standardwebhooks, called as BigCommerce’s documentation does'),
  }),
  row({
    name: 'gitlab-signing-token',
    title: 'GitLab (signing token)',
    documentation: 'https://docs.gitlab.com/user/project/integrations/webhooks/',
    copy: { what: 'Signing token, whsec_…', where: 'Project → Settings → Webhooks → the webhook' },
    idSource: 'https://gitlab.com/gitlab-org/gitlab/-/merge_requests/230944',
    scheme: standard('whsec'),
    type: [{ header: 'x-gitlab-event' }, { member: 'object_kind' }],
    answer: { text: '2xx', timeoutSeconds: 10 },
    retries: 'none; a failing webhook is disabled for a while',
    body: '{"object_kind":"push","event_name":"push","before":"95790bf891e76fee5e1747ab589903a6a1f80f22","after":"da1560886d4f094c3e6c9ef40349f7d38b5d27d7","ref":"refs/heads/main","checkout_sha":"da1560886d4f094c3e6c9ef40349f7d38b5d27d7","project_id":15}',
    sampleHeaders: { 'x-gitlab-event': 'Push Hook' },
    provenance: run('standardwebhooks; GitLab’s merge request 230944 read', ['answer', 'retries', 'copy']),
  }),
]
