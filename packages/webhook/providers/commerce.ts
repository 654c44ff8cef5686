import { empty } from '../verify/handshake.ts'
import { plainHmac } from './plain-hmac.ts'
import type { Provider } from './provider.ts'

/** Shops, payments and books that sign the bare body. */
export const commerceRows: readonly Provider[] = [
  {
    name: 'shopify',
    title: 'Shopify',
    documentation: 'https://shopify.dev/docs/apps/build/webhooks/verify-deliveries',
    copy: {
      what: 'Client secret of the app',
      where:
        'Dev Dashboard → the app → Settings (for webhooks made in a shop’s admin: Settings → Notifications → Webhooks)',
    },
    // Shopify's Events, which will replace its webhooks, leave out the X-.
    scheme: plainHmac('x-shopify-hmac-sha256', 'base64', {
      headers: ['x-shopify-hmac-sha256', 'shopify-hmac-sha256'],
    }),
    identity: {
      names: 'delivery',
      repeats: 'id',
      id: [
        { header: 'x-shopify-webhook-id' },
        { header: 'shopify-webhook-id' },
        {
          rule: { join: [{ header: 'x-shopify-event-id' }, { header: 'x-shopify-topic' }], by: ':' },
          repeats: 'id-and-body',
        },
      ],
      type: [
        { header: 'x-shopify-topic' },
        { join: [{ header: 'shopify-topic' }, { member: 'action' }], by: '.' },
        { header: 'shopify-topic' },
      ],
      apart: 'the delivery’s id; several topics share one event id',
      kept: 'the delivery’s id',
      source: 'https://shopify.dev/docs/apps/build/events/verify-deliveries',
    },
    answer: { text: '2xx; 1 s to connect', timeoutSeconds: 5 },
    retries: '8 over 4 hours, then a subscription made by API is deleted',
    notes: ['After a rotation up to an hour passes until the new secret is used: configure both.'],
    sample: {
      headers: {
        'x-shopify-topic': 'orders/create',
        'x-shopify-shop-domain': 'example.myshopify.com',
        'x-shopify-api-version': '2026-10',
        'x-shopify-webhook-id': 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
        'x-shopify-event-id': '98880550-7158-44d4-b7cd-2c97c8a091b5',
      },
      body: '{"id":820982911946154508,"admin_graphql_api_id":"gid://shopify/Order/820982911946154508","name":"#9999","email":"ada@example.com","currency":"EUR","total_price":"398.00","line_items":[{"id":866550311766439020,"title":"IPod Nano - 8GB","quantity":1,"price":"199.00"}]}',
    },
    provenance: { scheme: 'run', by: '@shopify/shopify-api' },
  },
  {
    name: 'woocommerce',
    title: 'WooCommerce',
    documentation: 'https://woocommerce.com/document/webhooks/',
    copy: { what: 'Secret', where: 'WooCommerce → Settings → Advanced → Webhooks → the webhook' },
    scheme: plainHmac('x-wc-webhook-signature', 'base64', { key: 'html' }),
    identity: {
      names: 'delivery',
      repeats: 'id-and-body',
      id: [{ header: 'x-wc-webhook-delivery-id' }],
      type: [{ header: 'x-wc-webhook-topic' }],
      apart: 'the body: the id is a digest of the webhook and the second, which two events can share',
      kept: 'there are no repeats',
      source: 'https://github.com/woocommerce/woocommerce, class-wc-webhook.php, get_new_delivery_id',
    },
    answer: { text: '2xx, 301 or 302' },
    retries: 'none; disabled after 5 failures in a row',
    notes: ['Saving the webhook sends a ping, `webhook_id=N`, unsigned: it is refused, which does no harm.'],
    sample: {
      headers: {
        'x-wc-webhook-topic': 'order.created',
        'x-wc-webhook-resource': 'order',
        'x-wc-webhook-event': 'created',
        'x-wc-webhook-id': '3',
        'x-wc-webhook-delivery-id': '7d9c8c1d2f5a4b3e',
      },
      body: '{"id":727,"number":"727","status":"processing","currency":"EUR","total":"29.35","billing":{"email":"ada@example.com"}}',
    },
    provenance: {
      scheme: 'read',
      by: 'the plugin’s source, class-wc-webhook.php',
      fromMemory: ['answer', 'retries'],
    },
  },
  {
    name: 'xero',
    title: 'Xero',
    documentation: 'https://developer.xero.com/documentation/guides/webhooks/overview/',
    copy: { what: 'Webhooks key', where: 'My Apps → the app → Webhooks' },
    scheme: plainHmac('x-xero-signature', 'base64'),
    identity: {
      names: 'nothing',
      repeats: 'body',
      type: [{ join: [{ member: 'events.*.eventCategory' }, { member: 'events.*.eventType' }], by: '.' }],
      apart: 'the ids and times of the events, the sequence and the entropy',
      kept: 'the body',
      source:
        'https://developer.xero.com/documentation/webhooks/overview for the fields, https://developer.xero.com/documentation/webhooks/configuring-your-server for a repeat: the request is sent again',
    },
    answer: { text: '200 with an empty body and no cookies', timeoutSeconds: 5, accepted: empty(200) },
    retries: 'up to 24 hours',
    handshake: {
      text: 'intent to receive: several POSTs; a good signature gets 200, a bad one 401, both with an empty body',
      answer(request, { verified }) {
        if (request.method !== 'POST') return undefined
        if (!verified) return empty(401)
        return isIntentToReceive(request.body) ? empty(200) : undefined
      },
    },
    notes: ['The key looks like base64, but is used as text.'],
    sample: {
      body: '{"events":[{"resourceUrl":"https://api.xero.com/api.xro/2.0/Contacts/717f2bfc-c6d4-41fd-b238-3f2f0c0cf777","resourceId":"717f2bfc-c6d4-41fd-b238-3f2f0c0cf777","eventDateUtc":"2026-06-21T01:15:39.902","eventType":"Update","eventCategory":"CONTACT","tenantId":"c2cc9b6e-9458-4c7d-93cc-f02b81b0594f","tenantType":"ORGANISATION"}],"firstEventSequence":1,"lastEventSequence":1,"entropy":"S0m3r4Nd0mt3xt"}',
    },
    provenance: {
      scheme: 'memory',
      by: 'other people’s code',
      fromMemory: ['answer', 'handshake', 'retries', 'copy'],
    },
  },
  {
    name: 'quickbooks',
    title: 'QuickBooks (Intuit)',
    documentation: 'https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks',
    copy: { what: 'Verifier token', where: 'My Hub → App dashboard → the app → Webhooks' },
    scheme: plainHmac('intuit-signature', 'base64'),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      // The ids end in the entity's name and number: nothing says that the beginning is another at each change.
      id: [
        { join: [{ member: '*.id' }, { member: '*.type' }, { member: '*.time', optional: true }], by: ':' },
      ],
      withoutId: 'body',
      type: [
        {
          join: [
            { member: 'eventNotifications.*.dataChangeEvent.entities.*.name' },
            { member: 'eventNotifications.*.dataChangeEvent.entities.*.operation' },
          ],
          by: '.',
        },
        { member: '*.type' },
      ],
      apart:
        'id, type and time of each CloudEvent, whose id ends in the entity’s; in the older form lastUpdated of each entity',
      kept: 'these, or the body',
      source:
        'https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks/data-objects for the fields, memory for a repeat',
    },
    answer: { text: '200', timeoutSeconds: 3 },
    retries: 'over about 24 hours',
    sample: {
      body: '[{"specversion":"1.0","id":"88cd52aa-33b6-4351-9aa4-47572edbd068","source":"intuit.dsnBgbseACLLRZNxo2dfc4evmEJdxde58xeeYcZliOU=","type":"qbo.customer.created.v1","time":"2026-10-05T14:42:19Z","intuitentityid":"1","intuitaccountid":"1185883450","data":{}}]',
    },
    provenance: {
      scheme: 'memory',
      by: 'other people’s code',
      fromMemory: ['answer', 'retries', 'identity', 'copy'],
    },
  },
  {
    name: 'razorpay',
    title: 'Razorpay',
    documentation: 'https://razorpay.com/docs/webhooks/validate-test/',
    copy: { what: 'Webhook secret', where: 'Dashboard → Account & Settings → Webhooks: you choose it' },
    scheme: plainHmac('x-razorpay-signature', 'hex'),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ header: 'x-razorpay-event-id' }],
      type: [{ member: 'event' }],
      apart: 'the id',
      kept: 'the id',
      source: 'https://razorpay.com/docs/webhooks/best-practices',
    },
    answer: { text: '2xx', timeoutSeconds: 5 },
    retries: 'growing gaps for 24 hours, then disabled',
    sample: {
      headers: { 'x-razorpay-event-id': 'GMbQPMLnPvfLrF' },
      body: '{"entity":"event","account_id":"acc_BFQ7uQEaa7j2z7","event":"payment.captured","contains":["payment"],"payload":{"payment":{"entity":{"id":"pay_DESlfW9H8K9uqM","amount":100,"currency":"INR","status":"captured"}}},"created_at":1760000000}',
    },
    provenance: { scheme: 'run', by: 'razorpay', fromMemory: ['answer', 'retries', 'copy'] },
  },
  {
    name: 'coinbase-commerce',
    title: 'Coinbase Commerce',
    documentation: 'https://docs.cdp.coinbase.com/commerce-onchain/docs/webhooks-security',
    copy: {
      what: 'Webhook shared secret',
      where: 'Settings → Notifications → Webhook subscriptions → Show shared secret',
    },
    scheme: plainHmac('x-cc-webhook-signature', 'hex'),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'event.id' }],
      type: [{ member: 'event.type' }],
      apart: 'event.id',
      kept: 'event.id; attempt_number grows and the outer id differs',
      source:
        'https://docs.cdp.coinbase.com/commerce/api-arcitecture/webhooks-fields for attempt_number, memory for event.id',
    },
    answer: { text: '2xx' },
    retries: 'growing gaps up to an hour, for 3 days',
    sample: {
      body: '{"attempt_number":1,"event":{"api_version":"2018-03-22","created_at":"2026-01-31T20:49:02Z","id":"24934862-d980-46cb-9402-43c81b0cdba6","resource":"event","type":"charge:confirmed","data":{"code":"66BEOV2A","name":"Example"}},"id":1,"scheduled_for":"2026-01-31T20:50:02Z"}',
    },
    provenance: { scheme: 'run', by: 'coinbase-commerce-node', fromMemory: ['copy'] },
  },
  {
    name: 'gocardless',
    title: 'GoCardless',
    documentation: 'https://developer.gocardless.com/api-reference/#webhooks-overview',
    copy: { what: 'Secret', where: 'Dashboard → Developers → the webhook endpoint' },
    scheme: plainHmac('webhook-signature', 'hex'),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'events.*.id' }],
      type: [{ join: [{ member: 'events.*.resource_type' }, { member: 'events.*.action' }], by: '.' }],
      apart: 'the ids of the events',
      kept: 'the ids of the events; meta.webhook_id isn’t meant to tell repeats',
      source: 'https://github.com/gocardless/gocardless-nodejs, README.md, Accessing the webhook ID',
    },
    answer: { text: '2xx, best 204', timeoutSeconds: 10 },
    retries: '8, with growing gaps',
    notes: ['GoCardless asks for 498 on a bad signature; any 4xx does.'],
    sample: {
      body: '{"events":[{"id":"EV00BD05S5VM2T","created_at":"2026-07-05T09:13:51.404Z","resource_type":"subscriptions","action":"created","links":{"subscription":"SB0003JJQ2MR06"}}],"meta":{"webhook_id":"WB0000ABCDEF"}}',
    },
    provenance: { scheme: 'run', by: 'gocardless-nodejs', fromMemory: ['copy'] },
  },
  {
    name: 'lemonsqueezy',
    title: 'Lemon Squeezy',
    documentation: 'https://docs.lemonsqueezy.com/help/webhooks/signing-requests',
    copy: { what: 'Signing secret', where: 'Settings → Webhooks → the webhook: you choose it' },
    scheme: plainHmac('x-signature', 'hex'),
    identity: {
      names: 'nothing',
      repeats: 'body',
      type: [{ header: 'x-event-name' }, { member: 'meta.event_name' }],
      apart: 'the event’s name and updated_at of its object',
      kept: 'the body',
      source:
        'https://docs.lemonsqueezy.com/help/webhooks/webhook-requests for the event’s name, memory for repeats',
    },
    answer: { text: '200' },
    retries: '3: after 5, 25 and 125 s',
    sample: {
      headers: { 'x-event-name': 'order_created' },
      body: '{"meta":{"event_name":"order_created","test_mode":true},"data":{"type":"orders","id":"1","attributes":{"store_id":1,"status":"paid","total":1200,"currency":"EUR"}}}',
    },
    provenance: {
      scheme: 'memory',
      by: 'other people’s code',
      fromMemory: ['identity', 'copy'],
    },
  },
  {
    name: 'mollie-next-gen',
    title: 'Mollie (next-gen webhooks)',
    documentation: 'https://docs.mollie.com/reference/webhooks-best-practices',
    copy: { what: 'Signing secret', where: 'Dashboard → Developers → Webhooks → the webhook' },
    // Mollie's sample shows a bare digest, third-party notes a digest after "sha256=": both are read.
    scheme: plainHmac('x-mollie-signature', 'hex', { optionalPrefix: 'sha256=' }),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'id' }],
      type: [{ member: 'type' }],
      apart: 'the id, event_…',
      kept: 'the id',
      source: 'https://docs.mollie.com/reference/webhooks-best-practices',
    },
    answer: { text: '200', timeoutSeconds: 15 },
    retries: '10 tries over 26 hours',
    sample: {
      body: '{"resource":"event","id":"event_GvJ8WHrp5isUdRub9CJyH","type":"payment-link.paid","entityId":"pl_qng5gbbv8NAZ5gpM5ZYgx","createdAt":"2026-12-25T10:30:54.0Z"}',
    },
    provenance: {
      scheme: 'read',
      by: 'Mollie’s documentation, in excerpts',
      fromMemory: ['answer', 'retries', 'copy'],
    },
  },
  {
    name: 'adyen-platform',
    title: 'Adyen (balance platform, management)',
    documentation: 'https://docs.adyen.com/development-resources/webhooks/verify-hmac-signatures/',
    copy: {
      what: 'HMAC key, hexadecimal',
      where: 'Customer Area → Developers → Webhooks → the webhook → HMAC key',
    },
    scheme: plainHmac('hmacsignature', 'base64', { key: 'hex' }),
    identity: {
      names: 'object',
      repeats: 'id-and-body',
      id: [
        { join: [{ member: 'type' }, { member: 'timestamp' }], by: ':' },
        { join: [{ member: 'type' }, { member: 'createdAt' }], by: ':' },
        { join: [{ member: 'type' }, { member: 'data.creationDate' }], by: ':' },
        { join: [{ member: 'type' }, { member: 'data.sequenceNumber' }], by: ':' },
      ],
      type: [{ member: 'type' }],
      apart:
        'the type, timestamp or createdAt, and creationDate or sequenceNumber of the object in `data`. A request with none of these times is never a repeat: an object may change twice and look the same',
      kept: 'the body',
      source:
        'https://github.com/Adyen/adyen-node-api-library, src/typings, for the times; memory for repeats',
    },
    answer: { text: '2xx', timeoutSeconds: 10 },
    retries: '3 at once, then after 2 min … 8 h for 7 days',
    sample: {
      headers: { protocol: 'HmacSHA256' },
      body: '{"data":{"balancePlatform":"Example","accountHolder":{"id":"AH3227C223222B5CMD2SXFKGT","status":"active"}},"environment":"test","timestamp":"2026-05-02T09:00:00+02:00","type":"balancePlatform.accountHolder.updated"}',
    },
    provenance: { scheme: 'run', by: '@adyen/api-library', fromMemory: ['answer', 'retries', 'copy'] },
  },
]

/** Xero's "intent to receive" request has an empty list of events. */
function isIntentToReceive(body: Uint8Array): boolean {
  return body.byteLength <= 1024 && /"events"\s*:\s*\[\s*\]/.test(Buffer.from(body).toString('latin1'))
}
