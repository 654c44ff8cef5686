import { timeAndSignatures } from './pairs.ts'
import type { Provider } from './provider.ts'

/** Time and signatures in one header of `name=value` pairs. */
export const timeAndSignatureRows: readonly Provider[] = [
  {
    name: 'stripe',
    title: 'Stripe',
    documentation: 'https://docs.stripe.com/webhooks/signature',
    copy: {
      what: 'Signing secret, whsec_…',
      where: 'Dashboard → Developers → Webhooks → the endpoint → Reveal',
    },
    scheme: timeAndSignatures('stripe-signature', { unit: 's', past: 300 }),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'id' }],
      type: [{ member: 'type' }],
      apart: 'the id, evt_…',
      kept: 'the id, also when it is sent again by hand',
      source:
        'https://dev.to/shannonllc/stripe-webhooks-retries-ordering-duplicates-timeouts-and-ips-46f0, which quotes Stripe’s pages',
    },
    answer: { text: '2xx' },
    retries: 'live mode: up to 3 days with growing gaps',
    notes: [
      'The secret looks like a Standard Webhooks key, but is used as text.',
      'For up to 24 hours after rolling a secret both sign: several v1, any may match.',
    ],
    sample: {
      body: '{"id":"evt_1NG8Du2eZvKYlo2CUI79vXWy","object":"event","api_version":"2026-02-25","created":1760000000,"data":{"object":{"id":"in_1MtHbELkdIwHu7ixl4OzzPMv","object":"invoice","amount_paid":1200,"currency":"eur","customer":"cus_NeZwdNtLEOXuvB","status":"paid"}},"livemode":false,"pending_webhooks":1,"request":{"id":null,"idempotency_key":null},"type":"invoice.paid"}',
    },
    provenance: { scheme: 'run', by: 'stripe', fromMemory: ['retries'] },
  },
  {
    name: 'calendly',
    title: 'Calendly',
    documentation: 'https://developer.calendly.com/api-docs/ZG9jOjM2MzE2MDM4-webhook-signatures',
    copy: { what: 'Signing key', where: 'given when the webhook subscription is made with the API' },
    scheme: timeAndSignatures('calendly-webhook-signature', { unit: 's', past: 180 }),
    identity: {
      names: 'nothing',
      repeats: 'body',
      type: [{ member: 'event' }],
      apart: 'created_at, the invitee’s URI and the event',
      kept: 'the body',
      source: 'memory',
    },
    answer: { text: '2xx; 10 s to connect', timeoutSeconds: 15 },
    retries:
      'up to 24 hours with growing gaps, then the subscription is disabled (https://developer.calendly.com/api-docs/overview/webhooks/webhook-errors)',
    sample: {
      body: '{"created_at":"2026-11-19T12:00:00.000000Z","created_by":"https://api.calendly.com/users/AAAAAAAAAAAAAAAA","event":"invitee.created","payload":{"uri":"https://api.calendly.com/scheduled_events/BBBB/invitees/CCCC","email":"ada@example.com","status":"active"}}',
    },
    provenance: {
      scheme: 'read',
      by: 'Calendly’s documentation, in excerpts',
      fromMemory: ['answer', 'copy'],
    },
  },
  {
    name: 'mux',
    title: 'Mux',
    documentation: 'https://www.mux.com/docs/core/verify-webhook-signatures',
    copy: { what: 'Signing secret', where: 'Dashboard → Settings → Webhooks → Show signing secret' },
    scheme: timeAndSignatures('mux-signature', { unit: 's', past: 300 }),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'id' }],
      type: [{ member: 'type' }],
      apart: 'the id',
      kept: 'the id; `attempts` in the body grows',
      source: 'https://www.mux.com/docs/core/listen-for-webhooks says that repeats come, memory for the id',
    },
    answer: { text: '2xx', timeoutSeconds: 5 },
    retries: 'up to 24 hours',
    sample: {
      body: '{"type":"video.asset.ready","id":"3a56ac3d-33da-4366-855b-f592d898409d","created_at":"2026-09-07T10:32:00.000000Z","object":{"type":"asset","id":"0201p02fGKPE7MrbC269XRD7LpcHhrmbu0002"},"data":{"status":"ready"}}',
    },
    provenance: { scheme: 'run', by: '@mux/mux-node', fromMemory: ['answer', 'retries', 'copy'] },
  },
  {
    name: 'elevenlabs',
    title: 'ElevenLabs',
    documentation: 'https://elevenlabs.io/docs/overview/administration/webhooks',
    copy: {
      what: 'Webhook secret, wsec_…',
      where: 'Settings → Webhooks; shown once when the webhook is made',
    },
    scheme: timeAndSignatures(
      'elevenlabs-signature',
      { unit: 's', past: 1800 },
      {
        pair: { separator: ',', name: 'v0' },
      },
    ),
    identity: {
      names: 'nothing',
      repeats: 'body',
      type: [{ member: 'type' }],
      apart: 'event_timestamp, the conversation’s id and the type',
      kept: 'the body',
      source:
        'https://github.com/elevenlabs/elevenlabs-docs, product-guides/administration/webhooks.mdx, for event_timestamp; memory for repeats',
    },
    answer: { text: '200' },
    retries:
      'none, unless they are enabled for the webhook; disabled after 10 failures in a row and 7 days without success',
    notes: ['Third-party pages call this Standard Webhooks: it isn’t.'],
    sample: {
      body: '{"type":"post_call_transcription","event_timestamp":1760000000,"data":{"agent_id":"agent_01","conversation_id":"conv_01","status":"done"}}',
    },
    provenance: { scheme: 'run', by: '@elevenlabs/elevenlabs-js', fromMemory: ['copy'] },
  },
  {
    name: 'workos',
    title: 'WorkOS',
    documentation: 'https://workos.com/docs/events/data-syncing/webhooks',
    copy: { what: 'Signing secret', where: 'Dashboard → Webhooks → the endpoint' },
    scheme: timeAndSignatures('workos-signature', { unit: 'ms', past: 180 }),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'id' }],
      type: [{ member: 'event' }],
      apart: 'the id, event_…',
      kept: 'the id, which the Events API has too',
      source: 'https://workos.com/docs/events/quick-start',
    },
    answer: { text: '2xx' },
    retries: 'up to 6 tries over 3 days',
    sample: {
      body: '{"id":"event_01FAEAJCR3ZBZ30D8BD1924TVG","data":{"id":"directory_user_01FAEAJCR3ZBZ30D8BD1924TVG","state":"active"},"event":"dsync.user.created","created_at":"2026-06-25T19:07:33.155Z"}',
    },
    provenance: { scheme: 'run', by: '@workos-inc/node', fromMemory: ['retries', 'copy'] },
  },
  {
    name: 'sanity',
    title: 'Sanity',
    documentation: 'https://www.sanity.io/docs/content-lake/webhook-best-practices',
    copy: { what: 'Secret', where: 'Manage → API → Webhooks → the webhook: you choose it' },
    scheme: timeAndSignatures(
      'sanity-webhook-signature',
      { unit: 'ms', past: null },
      { encoding: 'base64url' },
    ),
    identity: {
      names: 'delivery',
      repeats: 'id',
      id: [
        {
          join: [
            { header: 'idempotency-key' },
            { header: 'sanity-document-id', optional: true },
            { header: 'sanity-operation', optional: true },
          ],
          by: ':',
        },
      ],
      type: [{ header: 'sanity-operation' }],
      apart:
        'the key; beside it the document and the operation, in case that several documents of one transaction share a key',
      kept: 'the three headers',
      source: 'https://www.sanity.io/docs/content-lake/webhooks#k3e9b7dac38b7',
    },
    answer: { text: '2xx', timeoutSeconds: 30 },
    retries: 'on 429 and 5xx for up to 30 minutes',
    notes: ['Sanity’s library bounds no time; set toleranceSeconds to do so.'],
    sample: {
      headers: {
        'sanity-operation': 'update',
        'sanity-document-id': 'resume',
        'idempotency-key': '7d7a3a0e2c1f4b6b',
      },
      body: '{"_id":"resume","_type":"page","title":"Resume"}',
    },
    provenance: {
      scheme: 'run',
      by: '@sanity/webhook',
      fromMemory: ['answer', 'copy'],
    },
  },
  {
    name: 'buildkite',
    title: 'Buildkite',
    documentation: 'https://buildkite.com/docs/apis/webhooks',
    copy: {
      what: 'Token',
      where: 'Organization Settings → Notification Services → the webhook, with signatures chosen',
    },
    scheme: timeAndSignatures(
      'x-buildkite-signature',
      { unit: 's', past: null },
      {
        pair: { separator: ',', name: 'signature' },
        timestamp: { pair: 'timestamp', unit: 's', past: null, future: null },
        orToken: 'x-buildkite-token',
      },
    ),
    identity: {
      names: 'delivery',
      repeats: 'id-and-body',
      id: [{ header: 'x-buildkite-request' }],
      type: [{ header: 'x-buildkite-event' }, { member: 'event' }],
      apart:
        'X-Buildkite-Request. The body alone doesn’t tell: a ping holds no time, and a build that changes fast may post a later state twice. Without the header nothing is a repeat',
      kept: 'the header and the body, as far as is known: no page speaks of repeats',
      source:
        'https://buildkite.com/docs/apis/webhooks/pipelines for the bodies; X-Buildkite-Request from published requests',
    },
    answer: { text: '2xx' },
    retries: 'none in its documentation',
    notes: [
      'A webhook can send the token itself (X-Buildkite-Token) instead, which is accepted too: choose signatures, which protect the body.',
    ],
    sample: {
      headers: {
        'x-buildkite-event': 'build.finished',
        'x-buildkite-request': '98c11d1e-d181-45dc-a60f-64d0fc89f6a3',
      },
      body: '{"event":"build.finished","build":{"id":"f62a1b4d-10f9-4790-bc1c-e2c3a0c80983","number":27,"state":"passed","branch":"main"},"pipeline":{"slug":"example"}}',
    },
    provenance: {
      scheme: 'memory',
      by: 'other people’s code',
      fromMemory: ['answer', 'retries', 'identity', 'copy'],
    },
  },
  {
    name: 'paddle',
    title: 'Paddle Billing',
    documentation: 'https://developer.paddle.com/webhooks/signature-verification',
    copy: { what: 'Secret key, pdl_ntfset_…', where: 'Developer tools → Notifications → the destination' },
    scheme: timeAndSignatures(
      'paddle-signature',
      { unit: 's', past: 5 },
      {
        pair: { separator: ';', name: 'h1' },
        timestamp: { pair: 'ts', unit: 's', past: 5, future: null },
        content: ['{timestamp}', ':', '{body}'],
      },
    ),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'event_id' }],
      type: [{ member: 'event_type' }],
      apart: 'event_id',
      kept: 'event_id; each destination has a notification_id of its own',
      source: 'https://developer.paddle.com/webhooks/about/how-webhooks-work',
    },
    answer: { text: '200', timeoutSeconds: 5 },
    retries: 'live: 60 tries in 3 days; sandbox: 3 in 15 minutes',
    notes: [
      'Paddle’s library allows 5 s only, which is the default here too; a slow network may need toleranceSeconds.',
      'During a rotation several h1 stand in the header; any may match.',
      'Paddle Classic (p_signature) is another scheme and isn’t supported.',
    ],
    sample: {
      body: '{"event_id":"evt_01hv8wptq8987qeep44cyrewp9","event_type":"transaction.completed","occurred_at":"2026-04-12T10:18:49.621022Z","notification_id":"ntf_01hv8wptvkfrsq9nhmzgyd3gd0","data":{"id":"txn_01hv8wptq8987qeep44cyrewp9","status":"completed"}}',
    },
    provenance: { scheme: 'run', by: '@paddle/paddle-node-sdk', fromMemory: ['answer', 'retries', 'copy'] },
  },
]
