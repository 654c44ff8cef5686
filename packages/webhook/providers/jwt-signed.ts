import { parseKeySet, readKeySet } from '../verify/key-set.ts'
import { messagebird } from './messagebird.ts'
import type { Provider } from './provider.ts'

// Google's keys for OpenID Connect; the library google-auth-library fetches the same.
const googleKeysUrl = 'https://www.googleapis.com/oauth2/v3/certs'

/** A JWT whose claims carry a digest of the body, or (Google) nothing about the body. */
export const jwtRows: readonly Provider[] = [
  {
    name: 'google-pubsub-oidc',
    title: 'Google Pub/Sub push',
    documentation: 'https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions',
    copy: {
      what: 'nothing secret: audience and service account',
      where: 'the subscription → Delivery type Push → Enable authentication',
    },
    options: [
      { name: 'audience', required: true, text: 'the audience of the subscription; by default its push URL' },
      {
        name: 'email',
        text: 'the service account that signs; without it any Google account with this audience would do',
      },
      { name: 'certs', text: 'keys instead of Google’s published ones (for tests)' },
    ],
    scheme: {
      kind: 'jwt',
      header: 'authorization',
      bearer: true,
      algorithms: ['RS256'],
      published: { options: ['certs', 'jwks'], request: () => ({ url: googleKeysUrl }) },
      issuers: ['https://accounts.google.com', 'accounts.google.com'],
      audienceOption: 'audience',
      emailOption: 'email',
      required: ['exp', 'iat'],
      leewaySeconds: 300,
      expiryIncluded: true,
    },
    identity: {
      names: 'message',
      repeats: 'id',
      id: [
        { join: [{ member: 'subscription', optional: true }, { member: 'message.messageId' }], by: ':' },
        { join: [{ member: 'subscription', optional: true }, { member: 'message.message_id' }], by: ':' },
        {
          join: [
            { header: 'x-goog-pubsub-subscription-name', optional: true },
            { header: 'x-goog-pubsub-message-id' },
          ],
          by: ':',
        },
      ],
      type: [{ member: 'message.attributes.eventType' }, { member: 'message.attributes.type' }],
      apart: 'the message’s id, which is unique in its topic, and the subscription',
      kept: 'both; deliveryAttempt grows',
      source: 'https://docs.cloud.google.com/pubsub/docs/reference/rest/v1/PubsubMessage',
    },
    answer: { text: '102, 200, 201, 202 or 204 acknowledge; within the ack deadline of 10 to 600 s' },
    retries: 'growing gaps from 0.1 to 60 s',
    notes: ['The token covers nothing of the body: TLS, audience and email carry the trust.'],
    sample: {
      body: '{"message":{"attributes":{"eventType":"OBJECT_FINALIZE"},"data":"SGVsbG8gQ2xvdWQgUHViL1N1YiEgSGVyZSBpcyBteSBtZXNzYWdlIQ==","messageId":"2070443601311540","publishTime":"2026-02-26T19:13:55.749Z"},"subscription":"projects/example/subscriptions/example"}',
    },
    provenance: {
      scheme: 'run',
      by: 'google-auth-library, with keys of our own',
      fromMemory: ['retries', 'copy'],
    },
  },
  {
    name: 'plaid',
    title: 'Plaid',
    documentation: 'https://plaid.com/docs/api/webhooks/webhook-verification/',
    copy: { what: 'client_id and secret, as options', where: 'Dashboard → Developers → Keys' },
    options: [
      { name: 'clientId', text: 'with plaidSecret: what fetches Plaid’s keys' },
      { name: 'plaidSecret', text: 'the secret of the environment' },
      { name: 'environment', text: 'production (default) or sandbox' },
      { name: 'jwks', text: 'keys instead of fetched ones (for tests)' },
    ],
    scheme: {
      kind: 'jwt',
      header: 'plaid-verification',
      algorithms: ['ES256'],
      published: {
        options: ['jwks'],
        request(kid, { options = {} }) {
          const { clientId, plaidSecret, environment } = options
          if (typeof clientId !== 'string' || typeof plaidSecret !== 'string' || kid.length > 200)
            return undefined
          const host = environment === 'sandbox' ? 'sandbox.plaid.com' : 'production.plaid.com'
          return {
            url: `https://${host}/webhook_verification_key/get`,
            json: JSON.stringify({ client_id: clientId, secret: plaidSecret, key_id: kid }),
          }
        },
        read: readPlaidKey,
      },
      bodyHash: { claim: 'request_body_sha256', encoding: 'hex' },
      required: ['iat'],
      leewaySeconds: 60,
      maxAgeSeconds: 300,
    },
    identity: {
      names: 'nothing',
      repeats: 'none',
      type: [{ join: [{ member: 'webhook_type' }, { member: 'webhook_code' }], by: '.' }],
      apart: 'nothing: the request says which item has something new, in the same words each time',
      kept: 'the body',
      source: 'https://goleary.com/posts/plaid-webhooks',
    },
    answer: { text: '200', timeoutSeconds: 10 },
    retries: 'up to 24 hours',
    notes: ['The body is hashed with its two-blank indentation: never write it again before verifying.'],
    sample: {
      body: '{\n  "environment": "production",\n  "item_id": "wz666MBjYWTp2PDzzggYhM6oWWmBb",\n  "webhook_code": "SYNC_UPDATES_AVAILABLE",\n  "webhook_type": "TRANSACTIONS"\n}',
    },
    provenance: {
      scheme: 'memory',
      by: 'jose with a key of our own; no official verifier exists',
      fromMemory: ['answer', 'retries', 'copy'],
    },
  },
  {
    name: 'upstash-qstash',
    title: 'Upstash QStash',
    documentation: 'https://upstash.com/docs/qstash/howto/signature',
    copy: { what: 'Current and next signing key', where: 'Console → QStash → Signing keys' },
    options: [{ name: 'nextSecrets', text: 'the next signing keys; the same as further secrets' }],
    scheme: {
      kind: 'jwt',
      header: 'upstash-signature',
      algorithms: ['HS256'],
      issuers: ['Upstash'],
      bodyHash: { claim: 'body', encoding: 'base64url' },
      url: { claim: 'sub', hashed: false },
      required: ['exp', 'nbf'],
      leewaySeconds: 0,
    },
    identity: {
      names: 'message',
      repeats: 'id',
      id: [{ header: 'upstash-message-id' }],
      type: [{ member: 'type' }],
      apart: 'the message’s id',
      kept: 'the message’s id; Upstash-Retried grows',
      source: 'https://upstash.com/docs/qstash/features/at-least-once',
    },
    answer: { text: '2xx' },
    retries: 'as asked when publishing (Upstash-Retried counts)',
    notes: ['The body is your own: QStash only carries it.'],
    sample: {
      headers: { 'upstash-message-id': 'msg_26hZCxZCuWyyTWPmSVBrNB882AktfUZ3' },
      body: '{"type":"report.requested","reportId":"r_1042"}',
    },
    provenance: { scheme: 'run', by: '@upstash/qstash' },
  },
  {
    name: 'livekit',
    title: 'LiveKit',
    documentation: 'https://docs.livekit.io/home/server/webhooks/',
    copy: { what: 'API secret, and the API key as an option', where: 'Project → Settings → Keys' },
    options: [{ name: 'apiKey', required: true, text: 'the API key that the secret belongs to' }],
    scheme: {
      kind: 'jwt',
      header: 'authorization',
      algorithms: ['HS256'],
      issuerOption: 'apiKey',
      bodyHash: { claim: 'sha256', encoding: 'base64' },
      required: ['exp'],
      leewaySeconds: 10,
    },
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'id' }],
      type: [{ member: 'event' }],
      apart: 'the id, a UUID of the event',
      kept: 'the id and the body',
      source:
        'https://github.com/livekit/protocol, protobufs/livekit_webhook.proto and webhook/url_notifier.go',
    },
    answer: { text: '2xx' },
    retries: 'a few',
    sample: {
      contentType: 'application/webhook+json',
      body: '{"event":"room_started","room":{"sid":"RM_wmWyJzfZrZSs","name":"example","emptyTimeout":300},"id":"EV_pJYzYQ4cVfWx","createdAt":"1760000000"}',
    },
    provenance: { scheme: 'run', by: 'livekit-server-sdk', fromMemory: ['retries'] },
  },
  messagebird,
  {
    name: 'vonage-messages',
    title: 'Vonage Messages',
    documentation: 'https://developer.vonage.com/en/getting-started/concepts/webhooks',
    copy: { what: 'Signature secret', where: 'API Dashboard → API Settings' },
    scheme: {
      kind: 'jwt',
      header: 'authorization',
      bearer: true,
      // The SDK allows RS256 with the same text as key as well: only HS256 is meant.
      algorithms: ['HS256'],
      bodyHash: { claim: 'payload_hash', encoding: 'hex' },
      required: ['iat'],
      leewaySeconds: 300,
    },
    identity: {
      names: 'message',
      repeats: 'body',
      type: [{ member: 'status' }, { member: 'message_type' }],
      apart: 'the status and its timestamp: message_uuid is the same for each state',
      kept: 'the body',
      source:
        'https://developer.vonage.com/en/messages/concepts/messages-status-callbacks for the states, memory for a repeat',
    },
    answer: { text: '200' },
    retries: 'up to 24 hours',
    sample: {
      body: '{"message_uuid":"aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab","to":"15555550101","from":"15555550100","timestamp":"2026-01-01T14:00:00.000Z","status":"delivered","channel":"sms"}',
    },
    provenance: {
      scheme: 'run',
      by: '@vonage/jwt, for the signature only',
      fromMemory: ['answer', 'retries', 'identity', 'copy'],
    },
  },
  {
    name: 'netlify',
    title: 'Netlify',
    documentation: 'https://docs.netlify.com/deploy/deploy-notifications/',
    copy: {
      what: 'JWS secret token',
      where: 'Project configuration → Notifications → the outgoing webhook: you choose it',
    },
    scheme: {
      kind: 'jwt',
      header: 'x-webhook-signature',
      algorithms: ['HS256'],
      issuers: ['netlify'],
      bodyHash: { claim: 'sha256', encoding: 'hex' },
      required: [],
      leewaySeconds: 60,
    },
    identity: {
      names: 'object',
      repeats: 'id-and-body',
      id: [
        { join: [{ header: 'x-netlify-event' }, { member: 'id' }], by: ':' },
        { join: [{ member: 'id' }, { member: 'state' }], by: ':' },
      ],
      withoutId: 'body',
      type: [{ header: 'x-netlify-event' }, { member: 'state' }],
      apart: 'the event’s name in the header, and the deploy’s state, lock and times: the id is the deploy’s',
      kept: 'event, id and body',
      source:
        'https://docs.netlify.com/deploy/deploy-notifications/ for the events of a deploy, memory for a repeat',
    },
    answer: { text: '2xx' },
    retries: 'a few; a failing notification is disabled',
    sample: {
      headers: { 'x-netlify-event': 'deploy_created' },
      body: '{"id":"65f0c1b2a3d4e5f607182930","site_id":"1b2c3d4e-5f60-4172-8394-a5b6c7d8e9f0","state":"ready","name":"example","url":"https://example.netlify.app","branch":"main"}',
    },
    provenance: {
      scheme: 'memory',
      by: 'jose on vectors of our own',
      fromMemory: ['answer', 'retries', 'identity', 'copy'],
    },
  },
]

/** Plaid answers with one key, `{"key": {…, "kid": …, "expired_at": null}}`; an expired key is no key. */
function readPlaidKey(text: string) {
  try {
    const key: unknown = JSON.parse(text)?.key
    const isExpired =
      typeof key === 'object' && key !== null && 'expired_at' in key && key.expired_at !== null
    return readKeySet({ keys: isExpired ? [] : [key] })
  } catch {
    return parseKeySet('')
  }
}
