import type { SignatureDescriptor } from '../verify/descriptor.ts'
import { empty } from '../verify/handshake.ts'
import type { Provider, ProviderIdentity, SchemeDefinition } from './provider.ts'

/*
 * Where the public URL or the secret is part of the text. The URL must be the one the provider was given: behind a
 * proxy the receiver has to know its public base, and Host says nothing.
 */

function signed(
  scheme: Pick<SignatureDescriptor, 'algorithm' | 'encoding' | 'headers' | 'content'> &
    Partial<SignatureDescriptor>,
): SchemeDefinition {
  return { kind: 'signature', ...scheme }
}

/** Of every item of the batch: an eventId alone isn't always unique, and a batch may come again with other items. */
const hubSpotIdentity: ProviderIdentity = {
  names: 'occurrence',
  repeats: 'id',
  id: [
    {
      join: [
        { member: '*.eventId' },
        { member: '*.subscriptionId' },
        { member: '*.occurredAt' },
        { member: '*.objectId', optional: true },
        { member: '*.propertyName', optional: true },
        { member: '*.propertyValue', optional: true },
      ],
      by: ':',
    },
  ],
  type: [{ member: '*.subscriptionType' }],
  apart:
    'of each item eventId, which isn’t always unique alone, subscriptionId, occurredAt (ms), object and property. Requests of workflows hold no such item, and are never repeats',
  kept: 'these; attemptNumber grows, and other items may be in the batch',
  source: 'https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide',
}
const hubSpotBody =
  '[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":{nowMs},"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]'
const hubSpotFacts = {
  copy: { what: 'Client secret', where: 'Developer account → the app → Auth' },
  identity: hubSpotIdentity,
  answer: { text: '2xx', timeoutSeconds: 5 },
  retries: '10 over 24 hours; up to 100 events in one request',
  sample: { body: hubSpotBody },
  documentation:
    'https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation',
} satisfies Partial<Provider>

export const urlSignedRows: readonly Provider[] = [
  {
    name: 'square',
    title: 'Square',
    documentation: 'https://developer.squareup.com/docs/webhooks/step3validate',
    copy: {
      what: 'Signature key',
      where: 'Developer Console → the application → Webhooks → the subscription',
    },
    scheme: signed({
      algorithm: 'hmac-sha256',
      encoding: 'base64',
      headers: ['x-square-hmacsha256-signature'],
      content: ['{url}', '{body}'],
    }),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'event_id' }],
      type: [{ member: 'type' }],
      apart: 'event_id',
      kept: 'event_id; Square-Retry-Number grows',
      source: 'https://developer.squareup.com/docs/webhooks/step4manage',
    },
    answer: { text: '2xx', timeoutSeconds: 10 },
    retries: 'up to 24 hours (square-retry-number)',
    sample: {
      body: '{"merchant_id":"6SSW7HV8K2ST5","type":"payment.created","event_id":"13b867cf-db3d-4b1c-90b6-2f32a9d78124","created_at":"2026-02-06T21:27:34.308Z","data":{"type":"payment","id":"KkAkhdMsgzn59SM8A89WgKwekxLZY","object":{"payment":{"amount_money":{"amount":1200,"currency":"USD"},"status":"APPROVED"}}}}',
    },
    provenance: { scheme: 'run', by: 'square', fromMemory: ['answer', 'retries', 'copy'] },
  },
  {
    name: 'trello',
    title: 'Trello',
    documentation: 'https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/',
    copy: {
      what: 'Secret (OAuth 1.0 application secret)',
      where: 'trello.com/power-ups/admin → the app → API key',
    },
    scheme: signed({
      algorithm: 'hmac-sha1',
      encoding: 'base64',
      headers: ['x-trello-webhook'],
      content: ['{body}', '{url}'],
    }),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ join: [{ member: 'action.id' }, { member: 'model.id', optional: true }], by: ':' }],
      type: [{ member: 'action.type' }],
      apart:
        'action.id, and the model that is watched: webhooks of a board and of its card send one action each',
      kept: 'both',
      source:
        'https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks for action and model, memory for a repeat',
    },
    answer: { text: '200; 410 deletes the webhook' },
    retries: '3: after 30, 60 and 120 s; disabled after 30 days of failing',
    handshake: {
      text: 'HEAD: 200, else the webhook isn’t made',
      answer: request => (request.method === 'HEAD' ? empty(200) : undefined),
    },
    sample: {
      body: '{"action":{"id":"51f9424bcd6e040f3c002412","idMemberCreator":"4fc78a59a885233f4b349bd9","type":"updateCard","date":"2026-07-31T16:58:51.949Z","data":{"board":{"name":"Example","id":"4d5ea62fd76aa1136000000c"}}},"model":{"id":"4d5ea62fd76aa1136000000c","name":"Example"}}',
    },
    provenance: {
      scheme: 'read',
      by: 'Trello’s documentation, in excerpts',
      fromMemory: ['retries', 'copy'],
    },
  },
  {
    name: 'hubspot-v3',
    title: 'HubSpot (v3)',
    ...hubSpotFacts,
    scheme: signed({
      algorithm: 'hmac-sha256',
      encoding: 'base64',
      headers: ['x-hubspot-signature-v3'],
      timestamp: { header: 'x-hubspot-request-timestamp', unit: 'ms', past: 300, future: null },
      content: ['{method}', '{url}', '{body}', '{timestamp}'],
      urls: 'hubspot',
    }),
    notes: ['Some %XX of the URL are decoded before hashing: both spellings are tried.'],
    provenance: { scheme: 'run', by: '@hubspot/api-client', fromMemory: ['answer', 'retries', 'copy'] },
  },
  {
    name: 'hubspot-v1',
    title: 'HubSpot (v1, legacy)',
    ...hubSpotFacts,
    scheme: signed({
      algorithm: 'sha256',
      encoding: 'hex',
      headers: ['x-hubspot-signature'],
      content: ['{secret}', '{body}'],
    }),
    provenance: { scheme: 'run', by: '@hubspot/api-client', fromMemory: ['answer', 'retries', 'copy'] },
  },
  {
    name: 'hubspot-v2',
    title: 'HubSpot (v2, legacy)',
    variantOf: 'hubspot-v1',
    ...hubSpotFacts,
    scheme: signed({
      algorithm: 'sha256',
      encoding: 'hex',
      headers: ['x-hubspot-signature'],
      content: ['{secret}', '{method}', '{url}', '{body}'],
      urls: 'hubspot',
    }),
    provenance: { scheme: 'run', by: '@hubspot/api-client', fromMemory: ['answer', 'retries', 'copy'] },
  },
  {
    name: 'cloudinary',
    title: 'Cloudinary',
    documentation: 'https://cloudinary.com/documentation/notifications',
    copy: { what: 'API secret', where: 'Console → Settings → API Keys' },
    options: [{ name: 'algorithm', text: 'sha1 (default) or sha256, as the account is set to' }],
    scheme: signed({
      algorithm: 'sha1',
      algorithmOption: 'algorithm',
      encoding: 'hex',
      headers: ['x-cld-signature'],
      timestamp: { header: 'x-cld-timestamp', unit: 's', past: 7200, future: null },
      content: ['{body}', '{timestamp}', '{secret}'],
    }),
    identity: {
      names: 'object',
      repeats: 'id-and-body',
      id: [
        { join: [{ member: 'notification_type' }, { member: 'notification_context.triggered_at' }], by: ':' },
        { join: [{ member: 'notification_type' }, { member: 'timestamp' }], by: ':' },
      ],
      type: [{ member: 'notification_type' }],
      apart:
        'the type, triggered_at or timestamp, and the body: asset_id and version are the same for a rename, a moderation or a deletion. A payload without either time is never a repeat',
      kept: 'the body',
      source: 'memory',
    },
    answer: { text: '200' },
    retries: 'a few',
    notes: [
      'A plain digest, not an HMAC: SHA-1 of body, time and secret.',
      'X-Cld-Signature_v2 (Ed25519) isn’t accepted: no page was found that says which bytes it signs with which key. Leave auth_scheme of a trigger at default or legacy_hmac.',
    ],
    sample: {
      body: '{"notification_type":"upload","timestamp":"2026-05-02T09:00:00+00:00","asset_id":"c4d9a1f0b2e34f5d8a6b7c8d9e0f1a2b","public_id":"sample","version":1760000000,"resource_type":"image"}',
    },
    provenance: { scheme: 'run', by: 'cloudinary', fromMemory: ['answer', 'retries', 'identity', 'copy'] },
  },
]
