import { describe, expect, test } from 'vitest'
import { openIdentify } from '../verify/identify.ts'
import { allProviders, findProvider } from './table.ts'

/*
 * Of each row: two events that happened and differ only in what changes between two events, and the first of them sent
 * again, with what the provider changes then. The worst fault is a true event that is taken for a repeat.
 */

interface Sent {
  readonly headers?: Readonly<Record<string, string>>
  /** An object is JSON; a list of lists a form. */
  readonly body?: unknown
  readonly method?: string
  readonly url?: string
}

/** A request, another event's request, and the first request again. Lists of these where a row has several kinds of requests. */
type Case = readonly [first: Sent, other: Sent, again: Sent]

function identityOf(name: string, sent: Sent) {
  const { headers = {}, body = '', method = 'POST', url = '/webhooks/acme/source' } = sent
  const isForm = body instanceof URLSearchParams
  const text = typeof body === 'string' ? body : isForm ? body.toString() : JSON.stringify(body)
  const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json'
  return openIdentify(findProvider(name)!.identity)({
    method,
    url,
    headers: { 'content-type': type, ...headers },
    body: Buffer.from(text),
  })
}

const form = (fields: Record<string, string>) => new URLSearchParams(fields)

/** The id stands in these headers; a repeat differs in others. */
function headerIds(id: Record<string, string>, changes: Record<string, string> = {}): Case {
  const [name, text] = Object.entries(id)[0]!
  const body = { type: 'thing.changed', data: { id: 1 } }
  return [
    { headers: id, body },
    { headers: { ...id, [name]: `${text}-2` }, body },
    { headers: { ...id, ...changes }, body },
  ]
}

/** The bodies of two events, and the members that a repeat of the first changes. */
function bodies(
  first: object,
  other: object,
  again: object = {},
  headers: Record<string, string> = {},
): Case {
  return [
    { headers, body: first },
    { headers, body: { ...first, ...other } },
    { headers: { ...headers, 'x-attempt': '2' }, body: { ...first, ...again } },
  ]
}

const webhookIds = headerIds(
  { 'webhook-id': 'msg_1', 'webhook-timestamp': '1760000000', 'webhook-signature': 'v1,a' },
  { 'webhook-timestamp': '1760000300', 'webhook-signature': 'v1,b' },
)
const svixIds = headerIds(
  { 'svix-id': 'msg_1', 'svix-timestamp': '1760000000' },
  { 'svix-timestamp': '1760000300' },
)
const hubSpotItem = {
  eventId: 1,
  subscriptionId: 2,
  portalId: 3,
  occurredAt: 1760000000000,
  subscriptionType: 'contact.propertyChange',
  attemptNumber: 0,
  objectId: 4,
  propertyName: 'city',
}
const hubSpot: readonly Case[] = [
  [
    { body: [hubSpotItem] },
    { body: [{ ...hubSpotItem, occurredAt: 1760000000001 }] },
    { body: [{ ...hubSpotItem, attemptNumber: 1 }] },
  ],
  [
    { body: [hubSpotItem] },
    { body: [hubSpotItem, { ...hubSpotItem, eventId: 2 }] },
    { body: [{ ...hubSpotItem, attemptNumber: 2 }] },
  ],
]
const adyenItem = {
  pspReference: '791407',
  eventCode: 'AUTHORISATION',
  success: 'false',
  eventDate: '2026-05-02T09:00:00+02:00',
}
const adyenBody = (changes: object = {}) => ({
  live: 'false',
  notificationItems: [{ NotificationRequestItem: { ...adyenItem, ...changes } }],
})
const postmarkOpen = {
  RecordType: 'Open',
  MessageID: '883953f4',
  FirstOpen: true,
  ReceivedAt: '2026-11-05T16:33:54.9070259Z',
}
const netlify = { id: '65f0', state: 'ready', locked: false, updated_at: '2026-05-02T09:00:00Z' }
const quickBooks = { id: 'Customer-1', type: 'qbo.customer.updated.v1', time: '2026-05-02T09:00:00Z' }
const twilioMessage = { MessageSid: 'SM1', MessageStatus: 'sent', AccountSid: 'AC1' }

const cases: Readonly<Record<string, Case | readonly Case[]>> = {
  stripe: bodies({ id: 'evt_1', type: 'invoice.paid' }, { id: 'evt_2' }, { pending_webhooks: 2 }),
  calendly: bodies({ event: 'invitee.created', created_at: '…00' }, { created_at: '…01' }),
  mux: bodies({ id: '1', attempts: [] }, { id: '2' }, { attempts: [{}] }),
  elevenlabs: bodies({ type: 'a', event_timestamp: 1 }, { event_timestamp: 2 }),
  workos: bodies({ id: 'event_1' }, { id: 'event_2' }),
  sanity: [
    headerIds({ 'idempotency-key': 'k' }, { 'sanity-webhook-signature': 't=2' }),
    [
      { headers: { 'idempotency-key': 'k', 'sanity-document-id': 'a' } },
      { headers: { 'idempotency-key': 'k', 'sanity-document-id': 'b' } },
      { headers: { 'idempotency-key': 'k', 'sanity-document-id': 'a' } },
    ],
  ],
  buildkite: [
    bodies({ build: { state: 'a' } }, { build: { state: 'b' } }, {}, { 'x-buildkite-request': '1' }),
    // A ping holds no time: settings that are saved twice post the same body.
    headerIds({ 'x-buildkite-request': '1' }, { 'x-buildkite-signature': 'other' }),
  ],
  paddle: bodies({ event_id: '1', notification_id: 'a' }, { event_id: '2' }, { notification_id: 'b' }),
  github: headerIds({ 'x-github-delivery': '1' }, { 'user-agent': 'GitHub-Hookshot/2' }),
  meta: [
    bodies({ object: 'page', entry: [{ id: '1', time: 1 }] }, { entry: [{ id: '1', time: 2 }] }),
    // The states of one message of WhatsApp.
    bodies(
      { entry: [{ changes: [{ value: { statuses: [{ id: 'wamid.1', status: 'sent' }] } }] }] },
      { entry: [{ changes: [{ value: { statuses: [{ id: 'wamid.1', status: 'read' }] } }] }] },
    ),
  ],
  bitbucket: headerIds({ 'x-request-uuid': '1' }, { 'x-attempt-number': '2' }),
  jira: headerIds({ 'x-atlassian-webhook-identifier': '1' }, { 'x-atlassian-webhook-retry': '1' }),
  notion: bodies({ id: '1', attempt_number: 1 }, { id: '2' }, { attempt_number: 2 }),
  intercom: bodies({ id: 'notif_1', delivery_attempts: 1 }, { id: 'notif_2' }, { delivery_attempts: 2 }),
  typeform: bodies({ event_id: '1' }, { event_id: '2' }),
  x: bodies({ for_user_id: '1', tweet_create_events: [{ id: 1 }] }, { tweet_create_events: [{ id: 2 }] }),
  airtable: bodies({ base: { id: 'app' }, timestamp: 'a' }, {}),
  circleci: bodies({ id: '1' }, { id: '2' }),
  pagerduty: bodies({ event: { id: '1' } }, { event: { id: '2' } }),
  shopify: [
    headerIds({ 'x-shopify-webhook-id': '1', 'x-shopify-event-id': 'e' }, { 'x-shopify-triggered-at': 'b' }),
    headerIds({ 'shopify-webhook-id': '1', 'shopify-event-id': 'e' }),
    [
      { headers: { 'x-shopify-event-id': 'e', 'x-shopify-topic': 'orders/create' }, body: { id: 1 } },
      { headers: { 'x-shopify-event-id': 'e', 'x-shopify-topic': 'orders/paid' }, body: { id: 1 } },
      { headers: { 'x-shopify-event-id': 'e', 'x-shopify-topic': 'orders/create' }, body: { id: 1 } },
    ],
  ],
  // Two products that were saved in one second.
  woocommerce: bodies({ id: 1 }, { id: 2 }, {}, { 'x-wc-webhook-delivery-id': '7d9c' }),
  xero: bodies({ events: [{ eventDateUtc: 'a' }], entropy: 'x' }, { events: [{ eventDateUtc: 'b' }] }),
  quickbooks: [
    [
      { body: [quickBooks] },
      { body: [quickBooks, { ...quickBooks, id: 'Customer-2' }] },
      { body: [{ ...quickBooks, data: {} }] },
    ],
    // Two changes of a customer, whose name and number the id ends in.
    [
      { body: [quickBooks] },
      { body: [{ ...quickBooks, time: '2026-05-02T09:00:01Z' }] },
      { body: [quickBooks] },
    ],
    [
      { body: [quickBooks] },
      { body: [{ ...quickBooks, type: 'qbo.customer.merged.v1' }] },
      { body: [quickBooks] },
    ],
    bodies(
      { eventNotifications: [{ dataChangeEvent: { entities: [{ id: '1', lastUpdated: 'a' }] } }] },
      { eventNotifications: [{ dataChangeEvent: { entities: [{ id: '1', lastUpdated: 'b' }] } }] },
    ),
  ],
  razorpay: headerIds({ 'x-razorpay-event-id': '1' }),
  'coinbase-commerce': bodies(
    { id: 1, attempt_number: 1, event: { id: '1' } },
    { event: { id: '2' } },
    { id: 2, attempt_number: 2 },
  ),
  gocardless: [
    // GoCardless: the webhook's id should not be used for deduplication, the events' ids should.
    bodies(
      { events: [{ id: 'EV1' }], meta: { webhook_id: '1' } },
      { events: [{ id: 'EV2' }] },
      { meta: { webhook_id: '2' } },
    ),
    bodies({ events: [{ id: 'EV1' }] }, { events: [{ id: 'EV1' }, { id: 'EV2' }] }),
  ],
  lemonsqueezy: bodies(
    { data: { attributes: { updated_at: 'a' } } },
    { data: { attributes: { updated_at: 'b' } } },
  ),
  'mollie-next-gen': bodies({ id: 'event_1' }, { id: 'event_2' }),
  'adyen-platform': [
    bodies(
      { type: 'a', timestamp: '1', data: { id: 'AH1', status: 'active' } },
      { data: { id: 'AH1', status: 'closed' } },
    ),
    bodies({ type: 'a', timestamp: '1', data: { id: 'AH1' } }, { timestamp: '2' }),
    bodies({ type: 'a', createdAt: '1', data: { id: 'AH1' } }, { createdAt: '2' }),
    bodies({ type: 'a', data: { creationDate: '1' } }, { data: { creationDate: '2' } }),
    bodies({ type: 'a', data: { sequenceNumber: 1 } }, { data: { sequenceNumber: 2 } }),
  ],
  line: bodies(
    { events: [{ webhookEventId: '1', deliveryContext: { isRedelivery: false } }] },
    { events: [{ webhookEventId: '1' }, { webhookEventId: '2' }] },
    { events: [{ webhookEventId: '1', deliveryContext: { isRedelivery: true } }] },
  ),
  heroku: bodies({ id: '1' }, { id: '2' }),
  dropbox: bodies({ list_folder: { accounts: ['dbid:1'] } }, {}),
  asana: bodies(
    { events: [{ created_at: 'a', resource: { gid: '1' }, action: 'changed' }] },
    { events: [{ created_at: 'b', resource: { gid: '1' }, action: 'changed' }] },
  ),
  sentry: headerIds({ 'request-id': '1' }),
  pusher: bodies({ time_ms: 1, events: [] }, { time_ms: 2 }),
  vercel: bodies({ id: 'uev_1' }, { id: 'uev_2' }),
  'vercel-log-drain': [
    [{ body: [{ id: '1' }] }, { body: [{ id: '1' }, { id: '2' }] }, { body: [{ id: '1' }] }],
    [{ body: '{"id":"1"}\n' }, { body: '{"id":"1"}\n{"id":"2"}\n' }, { body: '{"id":"1"}\n' }],
  ],
  docusign: bodies(
    { event: 'envelope-sent', retryCount: 0, generatedDateTime: 'a', data: { envelopeId: '1' } },
    { generatedDateTime: 'b' },
    { retryCount: 1 },
  ),
  linear: headerIds({ 'linear-delivery': '1' }, { 'linear-signature': 'other' }),
  slack: [
    bodies({ event_id: 'Ev1' }, { event_id: 'Ev2' }, { token: 'other' }),
    [
      { body: form({ command: '/a', trigger_id: '1' }) },
      { body: form({ command: '/a', trigger_id: '2' }) },
      { body: form({ command: '/a', trigger_id: '1' }) },
    ],
    [
      { body: form({ payload: '{"type":"block_actions","trigger_id":"1"}' }) },
      { body: form({ payload: '{"type":"block_actions","trigger_id":"2"}' }) },
      { body: form({ payload: '{"type":"block_actions","trigger_id":"1"}' }) },
    ],
  ],
  // No documentation says what a tracking id names.
  zoom: bodies({ event: 'meeting.started', event_ts: 1 }, { event_ts: 2 }, {}, { 'x-zm-trackingid': 'rid' }),
  zendesk: headerIds({ 'x-zendesk-webhook-invocation-id': '1' }, { 'x-zendesk-webhook-signature': 'other' }),
  webflow: [
    bodies(
      { triggerType: 'collection_item_changed', payload: { id: '1', lastUpdated: 'a' } },
      { payload: { id: '1', lastUpdated: 'b' } },
    ),
    bodies(
      { triggerType: 'collection_item_changed', payload: { id: '1', lastUpdated: 'a' } },
      { triggerType: 'collection_item_deleted', payload: { id: '1', lastUpdated: 'a' } },
    ),
    bodies(
      { triggerType: 'form_submission', payload: { id: '1', data: { name: 'Ada' } } },
      { payload: { id: '2', data: { name: 'Ada' } } },
    ),
    bodies(
      { triggerType: 'ecomm_new_order', payload: { orderId: '1', status: 'unfulfilled' } },
      { payload: { orderId: '2', status: 'unfulfilled' } },
    ),
    bodies(
      { triggerType: 'site_publish', payload: { siteId: '1', publishedOn: 'a' } },
      { payload: { siteId: '1', publishedOn: 'b' } },
    ),
  ],
  twitch: headerIds(
    { 'twitch-eventsub-message-id': '1' },
    { 'twitch-eventsub-message-retry': '1', 'twitch-eventsub-message-timestamp': 'later' },
  ),
  box: [
    [
      { headers: { 'box-delivery-id': 'a' }, body: { id: '1' } },
      { headers: { 'box-delivery-id': 'a' }, body: { id: '2' } },
      { headers: { 'box-delivery-id': 'b' }, body: { id: '1' } },
    ],
  ],
  square: bodies({ event_id: '1' }, { event_id: '2' }),
  trello: [
    bodies({ action: { id: '1' } }, { action: { id: '2' } }),
    // Webhooks of a board and of its card, both sent for a single action.
    bodies({ action: { id: '1' }, model: { id: 'board' } }, { model: { id: 'card' } }),
  ],
  cloudinary: [
    bodies(
      { notification_type: 'upload', asset_id: '1', version: 1, timestamp: 'a' },
      { notification_type: 'rename' },
      {},
      { 'x-cld-timestamp': '1' },
    ),
    bodies(
      { notification_type: 'delete', notification_context: { triggered_at: 'a' } },
      { notification_context: { triggered_at: 'b' } },
    ),
  ],
  discord: [
    bodies({ id: '1', type: 2 }, { id: '2' }),
    bodies({ type: 1, event: { timestamp: 'a' } }, { event: { timestamp: 'b' } }),
  ],
  telnyx: bodies(
    { data: { id: '1' }, meta: { attempt: 1 } },
    { data: { id: '2' } },
    { meta: { attempt: 2 } },
  ),
  sendgrid: [
    [
      { body: [{ sg_event_id: '1' }] },
      { body: [{ sg_event_id: '1' }, { sg_event_id: '2' }] },
      { body: [{ sg_event_id: '1' }] },
    ],
  ],
  'google-pubsub-oidc': [
    bodies(
      { message: { messageId: '1' }, subscription: 's', deliveryAttempt: 1 },
      { message: { messageId: '2' } },
      { deliveryAttempt: 2 },
    ),
    // Message ids are unique in their topic only.
    bodies({ message: { messageId: '1' }, subscription: 's' }, { subscription: 't' }),
    headerIds({ 'x-goog-pubsub-message-id': '1', 'x-goog-pubsub-subscription-name': 's' }),
  ],
  plaid: bodies({ webhook_type: 'TRANSACTIONS', webhook_code: 'SYNC_UPDATES_AVAILABLE', item_id: '1' }, {}),
  'upstash-qstash': headerIds({ 'upstash-message-id': '1' }, { 'upstash-retried': '1' }),
  livekit: bodies({ id: 'EV_1' }, { id: 'EV_2' }),
  messagebird: [
    bodies({ id: '1', message: { status: 'sent' } }, { message: { status: 'delivered' } }),
    [
      { method: 'GET', url: '/w?id=1&status=sent' },
      { method: 'GET', url: '/w?id=1&status=delivered' },
      { method: 'GET', url: '/w?id=1&status=sent' },
    ],
  ],
  'vonage-messages': bodies({ message_uuid: '1', status: 'submitted' }, { status: 'delivered' }),
  netlify: [
    bodies(netlify, { state: 'error' }),
    bodies(netlify, { locked: true }, {}, { 'x-netlify-event': 'deploy_locked' }),
    [
      { headers: { 'x-netlify-event': 'deploy_created' }, body: netlify },
      { headers: { 'x-netlify-event': 'deploy_unlocked' }, body: netlify },
      { headers: { 'x-netlify-event': 'deploy_created' }, body: netlify },
    ],
  ],
  'gitlab-token': [
    headerIds({ 'idempotency-key': '1', 'x-gitlab-event-uuid': 'u' }),
    // Before 17.4: a webhook that was triggered by another webhook has the same UUID.
    bodies({ after: 'a' }, { after: 'b' }, {}, { 'x-gitlab-event-uuid': 'u', 'x-gitlab-event': 'Push Hook' }),
  ],
  telegram: bodies({ update_id: 1 }, { update_id: 2 }),
  okta: bodies({ eventId: '1' }, { eventId: '2' }),
  cloudevents: [
    headerIds({ 'ce-id': '1', 'ce-source': '/a' }),
    bodies({ source: '/a', id: '1' }, { source: '/b' }),
    [
      { body: [{ source: '/a', id: '1' }] },
      {
        body: [
          { source: '/a', id: '1' },
          { source: '/a', id: '2' },
        ],
      },
      { body: [{ source: '/a', id: '1' }] },
    ],
    [
      { body: [{ topic: '/a', id: '1' }] },
      { body: [{ topic: '/a', id: '2' }] },
      { body: [{ topic: '/a', id: '1' }] },
    ],
  ],
  postmark: [
    bodies(postmarkOpen, { RecordType: 'Delivery' }),
    bodies(postmarkOpen, { RecordType: 'Bounce', ID: 42 }),
    bodies(postmarkOpen, { FirstOpen: false, ReceivedAt: '2026-11-05T16:33:55.1Z' }),
  ],
  chargebee: bodies(
    { id: 'ev_1', webhook_status: 'scheduled' },
    { id: 'ev_2' },
    { webhook_status: 're_scheduled' },
  ),
  pipedrive: [
    bodies(
      { meta: { entity: 'deal', id: 'a', attempt: 1 } },
      { meta: { entity: 'deal', id: 'b', attempt: 1 } },
      { meta: { entity: 'deal', id: 'a', attempt: 2 } },
    ),
    // Version 1 calls the object's id meta.id.
    bodies(
      { event: 'updated.deal', meta: { id: 1, timestamp_micro: 1 }, retry: 0 },
      { meta: { id: 1, timestamp_micro: 2 } },
      { retry: 1 },
    ),
    bodies({ event: 'updated.deal', meta: { id: 1 } }, { current: { value: 2 } }),
  ],
  mollie: [[{ body: form({ id: 'tr_1' }) }, { body: form({ id: 'tr_1' }) }, { body: form({ id: 'tr_1' }) }]],
  'docker-hub': bodies({ push_data: { pushed_at: 1 } }, { push_data: { pushed_at: 2 } }),
  adyen: [
    [{ body: adyenBody() }, { body: adyenBody({ success: 'true' }) }, { body: adyenBody() }],
    [{ body: adyenBody() }, { body: adyenBody({ eventCode: 'CAPTURE' }) }, { body: adyenBody() }],
    [{ body: adyenBody() }, { body: adyenBody({ originalReference: '9' }) }, { body: adyenBody() }],
    [
      { body: form(adyenItem) },
      { body: form({ ...adyenItem, success: 'true' }) },
      { body: form({ ...adyenItem, reason: 'sent again' }) },
    ],
  ],
  'aws-sns': headerIds({ 'x-amz-sns-message-id': '1' }, { 'x-amz-sns-subscription-arn': 'arn' }),
  braintree: [
    [
      { body: form({ bt_signature: 'a', bt_payload: 'b' }) },
      { body: form({ bt_signature: 'a', bt_payload: 'c' }) },
      { body: form({ bt_signature: 'a', bt_payload: 'b' }) },
    ],
  ],
  contentful: [
    headerIds({ 'x-contentful-idempotency-key': '1' }, { 'x-contentful-timestamp': 'later' }),
    bodies(
      { sys: { id: '1', revision: 1, updatedAt: 'a' } },
      { sys: { id: '1', revision: 1, updatedAt: 'b' } },
      {},
      { 'x-contentful-topic': 'ContentManagement.Entry.save' },
    ),
    [
      { headers: { 'x-contentful-topic': 'ContentManagement.Entry.archive' }, body: { sys: { id: '1' } } },
      { headers: { 'x-contentful-topic': 'ContentManagement.Entry.unarchive' }, body: { sys: { id: '1' } } },
      { headers: { 'x-contentful-topic': 'ContentManagement.Entry.archive' }, body: { sys: { id: '1' } } },
    ],
  ],
  mailgun: [
    bodies({ signature: { token: '1' } }, { signature: { token: '2' } }),
    [
      { body: form({ token: '1', recipient: 'a' }) },
      { body: form({ token: '2', recipient: 'a' }) },
      // Only the token is signed: the token of one event on another is a captured token.
      { body: form({ token: '1', recipient: 'b' }) },
    ],
  ],
  'microsoft-graph': bodies({ value: [{ id: 'a', changeType: 'updated', resource: 'r' }] }, {}),
  paypal: bodies({ id: 'WH-1' }, { id: 'WH-2' }, {}, { 'paypal-transmission-id': 'a' }),
  plivo: [
    [
      { headers: { 'x-plivo-signature-v3-nonce': '1' }, body: form({ MessageUUID: '1', Status: 'sent' }) },
      {
        headers: { 'x-plivo-signature-v3-nonce': '1' },
        body: form({ MessageUUID: '1', Status: 'delivered' }),
      },
      { headers: { 'x-plivo-signature-v3-nonce': '2' }, body: form({ MessageUUID: '1', Status: 'sent' }) },
    ],
    [
      { method: 'GET', url: '/w?MessageUUID=1&Status=sent' },
      { method: 'GET', url: '/w?MessageUUID=1&Status=delivered' },
      { method: 'GET', url: '/w?MessageUUID=1&Status=sent' },
    ],
  ],
  twilio: [
    headerIds({ 'i-twilio-idempotency-token': '1' }, { 'x-twilio-signature': 'other' }),
    [
      { body: form(twilioMessage) },
      { body: form({ ...twilioMessage, MessageStatus: 'delivered' }) },
      { body: form(twilioMessage) },
    ],
    [
      { body: form({ CallSid: 'CA1', CallStatus: 'in-progress', SequenceNumber: '1' }) },
      { body: form({ CallSid: 'CA1', CallStatus: 'in-progress', SequenceNumber: '2' }) },
      { body: form({ CallSid: 'CA1', CallStatus: 'in-progress', SequenceNumber: '1' }) },
    ],
  ],
  'hubspot-v1': hubSpot,
  'hubspot-v2': hubSpot,
  'hubspot-v3': hubSpot,
  'supabase-auth-hooks': [
    webhookIds,
    // Each try has a webhook-id of its own.
    [
      { headers: { 'webhook-id': '1' }, body: { metadata: { uuid: 'a' }, user: { id: 'u' } } },
      { headers: { 'webhook-id': '2' }, body: { metadata: { uuid: 'b' }, user: { id: 'u' } } },
      { headers: { 'webhook-id': '3' }, body: { metadata: { uuid: 'a' }, user: { id: 'u' } } },
    ],
  ],
  svix: [svixIds, webhookIds],
  clerk: [svixIds, webhookIds],
  resend: [svixIds, webhookIds],
  ...Object.fromEntries(
    [
      'standard-webhooks',
      'standard-webhooks-v1a',
      'openai',
      'anthropic',
      'replicate',
      'polar',
      'liveblocks',
      'bigcommerce',
      'gitlab-signing-token',
    ].map(name => [name, webhookIds]),
  ),
}

describe('a true event isn’t taken for a repeat, and a repeat for no other event', () => {
  test('every row is tried', () => {
    expect(Object.keys(cases).sort()).toEqual(allProviders().map(row => row.name))
  })

  const table = Object.entries(cases).flatMap(([name, listed]) =>
    (Array.isArray(listed[0]) ? (listed as readonly Case[]) : [listed as Case]).map(
      (one, i) => [name, i + 1, one] as const,
    ),
  )
  test.each(table)('%s, %i', (name, _number, [first, other, again]) => {
    const id = identityOf(name, first)
    if (findProvider(name)!.identity.repeats === 'none') {
      for (const sent of [first, other, again]) {
        expect(identityOf(name, sent)).toMatchObject({ repeats: 'none' })
        expect(identityOf(name, sent)).not.toHaveProperty('deliveryId')
      }
      return
    }
    expect(id.deliveryId, 'the first').toBeTruthy()
    expect(identityOf(name, other).deliveryId, 'another event').toBeTruthy()
    expect(identityOf(name, other).deliveryId, 'another event').not.toBe(id.deliveryId)
    expect(identityOf(name, again).deliveryId, 'the first again').toBe(id.deliveryId)
  })
})

describe('a request that doesn’t tell its event is one of its own', () => {
  test.each<[string, string, Sent]>([
    [
      'twilio',
      'a digit that a caller pressed',
      { body: form({ CallSid: 'CA1', CallStatus: 'in-progress', Digits: '1' }) },
    ],
    [
      'plivo',
      'a digit that a caller pressed',
      { body: form({ CallUUID: '1', Event: 'GetDigits', Digits: '1' }) },
    ],
    ['slack', 'an interaction without trigger_id', { body: form({ payload: '{"type":"view_closed"}' }) }],
    ['asana', 'a heartbeat', { body: { events: [] } }],
    ['buildkite', 'a ping without X-Buildkite-Request', { body: { event: 'ping', service: { id: '1' } } }],
    ['adyen-platform', 'an object without a time', { body: { type: 'a', data: { id: 'AH1' } } }],
    ['cloudinary', 'a payload without a time', { body: { notification_type: 'upload', public_id: 'a' } }],
    [
      'webflow',
      'stock that went to 99 and is at 100 again',
      {
        body: {
          triggerType: 'ecomm_inventory_changed',
          payload: { id: '1', quantity: 100, inventoryType: 'finite' },
        },
      },
    ],
    [
      'webflow',
      'an item that is unpublished once more',
      { body: { triggerType: 'collection_item_unpublished', payload: { id: '1', lastUpdated: 'a' } } },
    ],
    [
      'webflow',
      'an order with the comment that it had before',
      { body: { triggerType: 'ecomm_order_changed', payload: { orderId: '1', orderComment: '' } } },
    ],
    ['gocardless', 'a request without events', { body: { events: [], meta: { webhook_id: '1' } } }],
    ['intercom', 'a ping, whose id is null', { body: { topic: 'ping', id: null } }],
    ['line', 'the console’s Verify', { body: { destination: 'U1', events: [] } }],
    ['hubspot-v2', 'a request of a workflow', { body: { vid: 1, properties: {} } }],
    [
      'contentful',
      'a payload that was made smaller',
      { body: { id: '1' }, headers: { 'x-contentful-topic': 'Entry.save' } },
    ],
    [
      'gitlab-token',
      'GitLab before X-Gitlab-Event-UUID',
      { body: { after: '0' }, headers: { 'x-gitlab-event': 'Push Hook' } },
    ],
    ['sendgrid', 'an item without an id', { body: [{ sg_event_id: '1' }, { event: 'open' }] }],
    ['messagebird', 'a GET without a query', { method: 'GET', url: '/w' }],
    ['stripe', 'an id of 600 characters', { body: { id: 'x'.repeat(600) } }],
  ])('%s: %s', (name, _title, sent) => {
    expect(identityOf(name, sent)).not.toHaveProperty('deliveryId')
    expect(identityOf(name, sent).repeats).toBe('none')
  })
})

describe('every thing in a request counts for its routes', () => {
  const many = Array.from({ length: 40 }, (_, i) => ({ event: `e${i % 35}`, sg_event_id: `${i}` }))
  test.each<[string, string, Sent, readonly string[]]>([
    [
      'hubspot-v3',
      'a batch',
      { body: [{ subscriptionType: 'a' }, { subscriptionType: 'b' }, { subscriptionType: 'a' }] },
      ['a', 'b'],
    ],
    ['sendgrid', 'more types than are kept', { body: many }, many.slice(0, 32).map(({ event }) => event)],
    [
      'meta',
      'the object behind its entries',
      {
        body: {
          entry: [{ changes: [{ field: 'feed' }] }, { changes: [{ field: 'mention' }] }],
          object: 'page',
        },
      },
      ['page.feed', 'page.mention'],
    ],
    [
      'meta',
      'a message of an unknown kind',
      { body: { object: 'page', entry: [{ messaging: [{}] }] } },
      ['page'],
    ],
    [
      'meta',
      'messages beside changes',
      {
        body: {
          object: 'page',
          entry: [
            { changes: [{ field: 'feed' }] },
            {
              messaging: [
                { sender: { id: '1' }, message: { mid: 'm_1' } },
                { message: { mid: 'm_2' } },
                { read: { watermark: 1 } },
                { postback: { title: 'Start', payload: 'start' } },
              ],
            },
            { standby: [{ sender: { id: '1' } }] },
          ],
        },
      },
      ['page.feed', 'page.messages', 'page.message_reads', 'page.messaging_postbacks', 'page.standby'],
    ],
    [
      'meta',
      'messages alone',
      { body: { entry: [{ messaging: [{ message: { mid: 'm_1', is_echo: true } }] }], object: 'instagram' } },
      ['instagram.messages', 'instagram.message_echoes'],
    ],
    [
      'xero',
      'category and type',
      {
        body: {
          events: [
            { eventCategory: 'CONTACT', eventType: 'Update' },
            { eventCategory: 'INVOICE', eventType: 'Create' },
          ],
        },
      },
      ['CONTACT.Update', 'INVOICE.Create'],
    ],
    [
      'microsoft-graph',
      'changes and a lifecycle event',
      { body: { value: [{ changeType: 'created' }, { lifecycleEvent: 'missed' }] } },
      ['created', 'missed'],
    ],
    [
      'okta',
      'one hook',
      { body: { data: { events: [{ eventType: 'a' }, { eventType: 'b' }] } } },
      ['a', 'b'],
    ],
    [
      'line',
      'one request',
      { body: { events: [{ type: 'message' }, { type: 'follow' }] } },
      ['message', 'follow'],
    ],
    [
      'pusher',
      'one request',
      { body: { events: [{ name: 'channel_occupied' }, { name: 'member_added' }] } },
      ['channel_occupied', 'member_added'],
    ],
    [
      'gocardless',
      'one request',
      {
        body: {
          events: [
            { resource_type: 'payments', action: 'paid_out' },
            { resource_type: 'mandates', action: 'created' },
          ],
        },
      },
      ['payments.paid_out', 'mandates.created'],
    ],
    [
      'asana',
      'one request',
      {
        body: {
          events: [
            { resource: { resource_type: 'task' }, action: 'changed' },
            { resource: { resource_type: 'story' }, action: 'added' },
          ],
        },
      },
      ['task.changed', 'story.added'],
    ],
    [
      'quickbooks',
      'the older form',
      {
        body: {
          eventNotifications: [
            {
              dataChangeEvent: {
                entities: [
                  { name: 'Customer', operation: 'Create' },
                  { name: 'Bill', operation: 'Delete' },
                ],
              },
            },
          ],
        },
      },
      ['Customer.Create', 'Bill.Delete'],
    ],
    ['quickbooks', 'CloudEvents', { body: [{ type: 'a' }, { type: 'b' }] }, ['a', 'b']],
    ['cloudevents', 'a batch of Event Grid', { body: [{ eventType: 'a' }, { eventType: 'b' }] }, ['a', 'b']],
    ['cloudevents', 'one event', { body: { type: 'a' } }, ['a']],
    [
      'vercel-log-drain',
      'JSON Lines',
      { body: '{"source":"edge"}\n{"source":"lambda"}\n' },
      ['edge', 'lambda'],
    ],
    ['twilio', 'a batch of Event Streams', { body: [{ type: 'a' }, { type: 'b' }] }, ['a', 'b']],
    [
      'adyen',
      'two items',
      {
        body: {
          notificationItems: [
            { NotificationRequestItem: { eventCode: 'A' } },
            { NotificationRequestItem: { eventCode: 'B' } },
          ],
        },
      },
      ['A', 'B'],
    ],
  ])('%s: %s', (name, _title, sent, types) => {
    const { eventType, eventTypes } = identityOf(name, sent)
    expect(eventType).toBe(types[0])
    expect(eventTypes).toEqual(types.length > 1 ? types : undefined)
  })
})

describe('a type isn’t missed', () => {
  test('in an invoice of 97 KB whose type comes last', () => {
    const lines = Array.from({ length: 420 }, (_, i) => ({ id: `il_${i}`, description: 'x'.repeat(200) }))
    const body = { id: 'evt_1', data: { object: { id: 'in_1', type: 'inner', lines } }, type: 'invoice.paid' }
    expect(JSON.stringify(body).length).toBeGreaterThan(97_000)
    expect(identityOf('stripe', { body })).toEqual({
      deliveryId: 'evt_1',
      repeats: 'id',
      eventType: 'invoice.paid',
    })
  })

  test.each<[string, Sent, string]>([
    [
      'slack',
      { body: form({ x: 'y'.repeat(70_000), payload: '{"type":"view_submission"}' }) },
      'view_submission',
    ],
    ['slack', { body: form({ command: '/deploy', text: 'now' }) }, '/deploy'],
    ['mailgun', { body: form({ event: 'opened', token: '1' }) }, 'opened'],
    ['twilio', { method: 'GET', url: '/w?CallStatus=ringing' }, 'ringing'],
    ['messagebird', { method: 'GET', url: '/w?id=1&status=delivered' }, 'delivered'],
    ['adyen', { body: form({ eventCode: 'REFUND' }) }, 'REFUND'],
    ['shopify', { headers: { 'shopify-topic': 'Product' }, body: { action: 'update' } }, 'Product.update'],
    [
      'braintree',
      { body: form({ bt_payload: Buffer.from('<n><kind>check</kind></n>').toString('base64') }) },
      'check',
    ],
  ])('%s', (name, sent, type) => {
    expect(identityOf(name, sent).eventType).toBe(type)
  })
})

test('a form that stands inside of JSON isn’t read as one', () => {
  const body = '{"text":"a&trigger_id=stolen&command=/x"}'
  expect(identityOf('slack', { body })).toEqual({ repeats: 'none' })
})

test('each row says what its id names, what a repeat is, and where that is known from', () => {
  for (const { name, identity } of allProviders()) {
    const hasId = (identity.id?.length ?? 0) > 0
    expect(hasId, name).toBe(identity.repeats === 'id' || identity.repeats === 'id-and-body')
    if (identity.names === 'nothing') expect(hasId, name).toBe(false)
    expect(identity.apart && identity.kept, name).toBeTruthy()
    expect(identity.source, name).toMatch(/^(memory|https:\/\/\S+.*)$/)
  }
})
