import type { Handshake, WebhookRequest } from '../scheme.ts'
import { empty, headerChallenge, json } from '../verify/handshake.ts'
import { headerText } from '../verify/header.ts'
import { scanMember } from '../verify/members.ts'
import type { HandshakeDefinition, Provider } from './provider.ts'

const oktaHandshake: HandshakeDefinition = {
  text: 'one GET with x-okta-verification-challenge: its value as JSON',
  answer(request) {
    if (request.method !== 'GET') return undefined
    const verification = headerChallenge(request, 'x-okta-verification-challenge')
    return verification === undefined ? undefined : json({ verification })
  },
}

/**
 * Azure Event Grid, for a subscription in its own schema:
 * https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema
 */
function eventGridValidation(request: WebhookRequest): Handshake | undefined {
  if (headerText(request.headers, 'aeg-event-type') !== 'SubscriptionValidation') return undefined
  const validationResponse = scanMember(request.body, ['0', 'data', 'validationCode'])
  return validationResponse === undefined || validationResponse.length > 2048
    ? undefined
    : json({ validationResponse })
}

const cloudEventsHandshake: HandshakeDefinition = {
  text: 'OPTIONS with WebHook-Request-Origin: WebHook-Allowed-Origin and -Rate, Allow: POST. Event Grid’s own schema: a POST with aeg-event-type SubscriptionValidation and the token: its validationCode as JSON',
  answer(request, { config, verified }) {
    if (request.method === 'POST') return verified ? eventGridValidation(request) : undefined
    if (request.method !== 'OPTIONS') return undefined
    const origin = headerChallenge(request, 'webhook-request-origin')
    if (origin === undefined) return undefined
    const allowed = config.options?.allowedOrigins
    if (Array.isArray(allowed) && !allowed.includes(origin)) return empty(403)
    const rate = headerChallenge(request, 'webhook-request-rate')
    const isRate = rate !== undefined && /^(\d{1,9}|\*)$/.test(rate)
    return empty(200, {
      'webhook-allowed-origin': origin,
      ...(isRate && { 'webhook-allowed-rate': rate }),
      allow: 'POST',
    })
  },
}

const unprotected = 'The body isn’t protected: whoever has the token can send anything.'
const basicCopy = (where: string) => ({ what: 'user:password, as you enter them', where })

/** A secret that is sent along. TLS carries all of the trust. */
export const sharedTokenRows: readonly Provider[] = [
  {
    name: 'gitlab-token',
    title: 'GitLab (secret token)',
    documentation: 'https://docs.gitlab.com/user/project/integrations/webhooks/',
    copy: { what: 'Secret token', where: 'Project → Settings → Webhooks → the webhook: you choose it' },
    scheme: { kind: 'token', places: [{ header: 'x-gitlab-token' }] },
    identity: {
      names: 'delivery',
      repeats: 'id',
      id: [
        { header: 'idempotency-key' },
        {
          rule: { join: [{ header: 'x-gitlab-event-uuid' }, { header: 'x-gitlab-event' }], by: ':' },
          repeats: 'id-and-body',
        },
      ],
      type: [{ header: 'x-gitlab-event' }, { member: 'object_kind' }],
      apart:
        'the key. GitLab before 17.4 sends none: there X-Gitlab-Event-UUID, which webhooks that one webhook sets off share, and the body',
      kept: 'the key; before 17.4 the UUID isn’t kept',
      source: 'https://gitlab.com/gitlab-org/gitlab/-/merge_requests/160952',
    },
    answer: { text: '2xx', timeoutSeconds: 10 },
    retries: 'none; a failing webhook is disabled for a while',
    notes: [unprotected, 'Newer GitLab signs: prefer gitlab-signing-token.'],
    sample: {
      headers: { 'x-gitlab-event': 'Push Hook', 'idempotency-key': 'f5e5f430-f57b-4e6e-9fac-d9128cd7232f' },
      body: '{"object_kind":"push","event_name":"push","before":"95790bf891e76fee5e1747ab589903a6a1f80f22","after":"da1560886d4f094c3e6c9ef40349f7d38b5d27d7","ref":"refs/heads/main","project_id":15}',
    },
    provenance: { scheme: 'read', by: 'GitLab’s documentation', fromMemory: ['answer', 'retries'] },
  },
  {
    name: 'telegram',
    title: 'Telegram bots',
    documentation: 'https://core.telegram.org/bots/api#setwebhook',
    copy: { what: 'secret_token, 1 to 256 of A-Z a-z 0-9 _ -', where: 'your call of setWebhook' },
    scheme: { kind: 'token', places: [{ header: 'x-telegram-bot-api-secret-token' }] },
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'update_id' }],
      type: [{ firstNameExcept: ['update_id'] }],
      apart: 'update_id',
      kept: 'update_id',
      source: 'https://core.telegram.org/bots/api#update',
    },
    answer: { text: '2xx; 410 for 23 hours closes the webhook' },
    retries: 'Retry-After up to 1 h, else doubling up to 2 min, until the update expires (24 h)',
    notes: [unprotected],
    sample: {
      body: '{"update_id":10000,"message":{"date":{nowSeconds},"chat":{"id":1111111,"type":"private","first_name":"Ada"},"message_id":1365,"from":{"id":1111111,"is_bot":false,"first_name":"Ada"},"text":"/start"}}',
    },
    provenance: { scheme: 'read', by: 'the Bot API server’s source' },
  },
  {
    name: 'okta',
    title: 'Okta event hooks',
    documentation: 'https://developer.okta.com/docs/concepts/event-hooks/',
    copy: {
      what: 'Authentication secret',
      where: 'Admin Console → Workflow → Event Hooks → the hook: you choose it',
    },
    options: [{ name: 'header', text: 'the authentication field, where it isn’t Authorization' }],
    scheme: { kind: 'token', places: [{ header: 'authorization' }], headerOption: 'header' },
    identity: {
      names: 'delivery',
      repeats: 'id',
      id: [{ member: 'eventId' }],
      type: [{ member: 'data.events.*.eventType' }],
      apart: 'eventId',
      kept: 'eventId',
      source: 'https://developer.okta.com/docs/concepts/event-hooks/',
    },
    answer: { text: '200 or 204 with an empty body', timeoutSeconds: 3, accepted: empty(204) },
    retries: 'at most one, on a time-out or 5xx',
    handshake: oktaHandshake,
    notes: [unprotected],
    sample: {
      body: '{"eventType":"com.okta.event_hook","eventTypeVersion":"1.0","cloudEventsVersion":"0.1","source":"https://example.okta.com/api/v1/eventHooks/who8tsqyrhCdmetzx135","eventId":"b5a188b9-5ece-4636-b041-482ffda96311","data":{"events":[{"uuid":"1ddd5b79-5bcb-11e8-bd1c-5b7e2c6d1a2b","eventType":"user.lifecycle.create","displayMessage":"Create Okta user"}]},"eventTime":"2026-08-03T17:20:49.000Z","contentType":"application/json"}',
    },
    provenance: { scheme: 'read', by: 'Okta’s documentation' },
  },
  {
    name: 'cloudevents',
    title: 'CloudEvents over HTTP (Azure Event Grid and others)',
    documentation: 'https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md',
    copy: { what: 'Bearer token', where: 'as agreed with the sender' },
    options: [{ name: 'allowedOrigins', text: 'the senders to allow; default: whoever asks' }],
    scheme: {
      kind: 'token',
      places: [{ header: 'authorization', scheme: 'Bearer' }, { query: 'access_token' }],
    },
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [
        { join: [{ header: 'ce-source' }, { header: 'ce-id' }], by: '#' },
        { join: [{ member: '*.source' }, { member: '*.id' }], by: '#' },
        { join: [{ member: '*.topic' }, { member: '*.id' }], by: '#' },
      ],
      type: [{ header: 'ce-type' }, { member: '*.type' }, { member: '*.eventType' }],
      apart: 'source and id, which are unique together',
      kept: 'both',
      source: 'https://github.com/cloudevents/spec/blob/main/cloudevents/spec.md#id',
    },
    answer: {
      text: '200 or 201, 202 when queued, 204; no redirect; 410 retires, 429 with Retry-After slows down',
    },
    retries: 'as the sender does',
    handshake: cloudEventsHandshake,
    notes: [unprotected],
    sample: {
      contentType: 'application/cloudevents+json; charset=utf-8',
      body: '{"specversion":"1.0","type":"com.example.someevent","source":"/mycontext/subcontext","id":"A234-1234-1234-9f8e7d6c","time":"2026-04-05T17:31:00Z","datacontenttype":"application/json","data":{"appinfoA":"abc"}}',
    },
    provenance: { scheme: 'read', by: 'the CloudEvents specification' },
  },
  {
    name: 'postmark',
    title: 'Postmark',
    documentation: 'https://postmarkapp.com/developer/webhooks/webhooks-overview',
    copy: basicCopy('Server → Message stream → Webhooks → the webhook → Basic auth credentials'),
    options: [
      {
        name: 'header',
        text: 'the custom header of the webhook (HttpHeaders) that holds the secret, where it isn’t basic authentication',
      },
    ],
    scheme: {
      kind: 'token',
      places: [{ header: 'authorization', scheme: 'Basic' }],
      headerOption: 'header',
    },
    identity: {
      names: 'message',
      repeats: 'body',
      type: [{ member: 'RecordType' }],
      apart:
        'the RecordType, the times, and the id of the bounce: MessageID is the mail’s, and the same for its delivery, opens, clicks and bounces',
      kept: 'the body',
      source: 'https://postmarkapp.com/email-webhooks for MessageID, memory for a repeat',
    },
    answer: { text: '200; 403 stops the retries' },
    retries: 'growing gaps',
    notes: [
      unprotected,
      'A user and password in the webhook’s URL (https://user:password@…) arrive as basic authentication too.',
    ],
    sample: {
      body: '{"RecordType":"Delivery","MessageID":"883953f4-6105-42a2-a16a-77a8eac79483","Recipient":"ada@example.com","DeliveredAt":"2026-11-05T16:33:54.9070259Z","ServerID":23,"Tag":"welcome"}',
    },
    provenance: {
      scheme: 'memory',
      by: 'other people’s notes',
      fromMemory: ['answer', 'retries', 'identity', 'copy'],
    },
  },
  {
    name: 'chargebee',
    title: 'Chargebee',
    variantOf: 'postmark',
    documentation: 'https://www.chargebee.com/docs/billing/2.0/site-configuration/webhook_settings',
    copy: basicCopy('Settings → Configure Chargebee → Webhooks → Protect with basic authentication'),
    scheme: { kind: 'token', places: [{ header: 'authorization', scheme: 'Basic' }] },
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'id' }],
      type: [{ member: 'event_type' }],
      apart: 'the id, ev_…',
      kept: 'the id, also when it is sent again by hand',
      source: 'https://apidocs.chargebee.com/docs/api/events',
    },
    answer: { text: '2xx' },
    retries: '7, the last about 3 days and 7 hours after the event',
    notes: [
      unprotected,
      'The last retry, 79 h after the event, is a repeat that isn’t known any more (72 h) only where the first, within 7 h, were accepted and every answer since was lost. It is an event of its own then, with the same id in its body.',
    ],
    sample: {
      body: '{"id":"ev_16BHbhF4s42tO2lK","occurred_at":{nowSeconds},"source":"admin_console","object":"event","api_version":"v2","event_type":"subscription_created","content":{"subscription":{"id":"16BHbhF4s2fNm2jp","status":"active"}}}',
    },
    provenance: {
      scheme: 'memory',
      by: 'other people’s notes',
      fromMemory: ['answer', 'retries', 'copy'],
    },
  },
  {
    name: 'pipedrive',
    title: 'Pipedrive',
    variantOf: 'postmark',
    documentation: 'https://pipedrive.readme.io/docs/guide-for-webhooks-v2',
    copy: basicCopy('Settings → Tools and apps → Webhooks → HTTP Auth'),
    scheme: { kind: 'token', places: [{ header: 'authorization', scheme: 'Basic' }] },
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [
        {
          join: [
            { member: 'meta.entity' },
            { member: 'meta.id' },
            { member: 'meta.entity_id', optional: true },
            { member: 'meta.timestamp', optional: true },
          ],
          by: ':',
        },
        {
          join: [
            { member: 'event' },
            { member: 'meta.id' },
            { member: 'meta.timestamp_micro' },
            { member: 'meta.webhook_id', optional: true },
          ],
          by: ':',
        },
      ],
      withoutId: 'body',
      type: [{ join: [{ member: 'meta.action' }, { member: 'meta.entity' }], by: '.' }, { member: 'event' }],
      apart: 'version 2: meta.id; version 1, where meta.id is the object’s: meta.timestamp_micro',
      kept: 'these; meta.attempt or retry grows',
      source:
        'https://devcommunity.pipedrive.com/t/troubleshooting-webhook-delivery-and-payload-structure/4964 for version 1, https://pipedrive.readme.io/docs/webhooks-v2-migration-guide for attempt, memory for meta.id of version 2',
    },
    answer: { text: '2xx' },
    retries: '3',
    notes: [unprotected],
    sample: {
      body: '{"meta":{"action":"create","entity":"deal","id":"5c2a7a0e-2d0b-4c5d-9c0a-3d1f7a6b8c9d","version":"2.0","attempt":1},"data":{"id":1234,"title":"Example deal","value":1200,"currency":"EUR"},"previous":null}',
    },
    provenance: {
      scheme: 'memory',
      by: 'other people’s notes',
      fromMemory: ['answer', 'retries', 'identity', 'copy'],
    },
  },
]
