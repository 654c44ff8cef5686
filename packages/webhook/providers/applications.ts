import { echo, empty, headerChallenge, queryChallenge } from '../verify/handshake.ts'
import { headerText } from '../verify/header.ts'
import { plainHmac } from './plain-hmac.ts'
import type { HandshakeDefinition, Provider } from './provider.ts'

const asanaHandshake: HandshakeDefinition = {
  text: 'POST with X-Hook-Secret: 200 with the same header; that secret is the key from then on',
  answer(request, { config }) {
    if (request.method !== 'POST' || headerText(request.headers, 'x-hook-signature') !== undefined)
      return undefined
    const secret = headerChallenge(request, 'x-hook-secret')
    if (secret === undefined) return undefined
    // Only a source without a secret accepts an offered one: otherwise a stranger could replace it.
    const answer = empty(200, { 'x-hook-secret': secret })
    return config.secrets.length === 0 ? { ...answer, offeredSecret: secret } : answer
  },
}

const dropboxHandshake: HandshakeDefinition = {
  text: 'GET with challenge: the same as text/plain',
  answer: request => echo(queryChallenge(request, 'GET', 'challenge')),
}

const vercelHandshake: HandshakeDefinition = {
  text: 'the answer must hold x-vercel-verify with the value of the option verify',
  answer(request, { config }) {
    const value = config.options?.verify
    if (request.method !== 'GET' || typeof value !== 'string') return undefined
    return empty(200, { 'x-vercel-verify': value })
  },
}

/** Tools and services that sign the bare body. */
/** Linear tries again after 1 min, 1 h and 6 h; an hour more for its own delays. */
const lastRetrySeconds = 60 + 3_600 + 6 * 3_600 + 3_600

export const applicationRows: readonly Provider[] = [
  {
    name: 'line',
    title: 'LINE',
    documentation: 'https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature/',
    copy: { what: 'Channel secret', where: 'Developers Console → the channel → Basic settings' },
    scheme: plainHmac('x-line-signature', 'base64'),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'events.*.webhookEventId' }],
      type: [{ member: 'events.*.type' }],
      apart: 'the ids of the events',
      kept: 'the ids; deliveryContext.isRedelivery becomes true',
      source: 'https://github.com/line/line-openapi, webhook.yml, webhookEventId and isRedelivery',
    },
    answer: { text: '2xx', timeoutSeconds: 2 },
    retries: 'only where redelivery is switched on',
    notes: ['The console’s Verify button posts `events: []`: an ordinary POST.'],
    sample: {
      body: '{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[{"type":"message","message":{"type":"text","id":"468789577898262530","text":"Hello"},"webhookEventId":"01H810YECXQQZ37VAXPF6H9E6T","deliveryContext":{"isRedelivery":false},"timestamp":1760000000000,"source":{"type":"user","userId":"U80696558e1aa831"},"mode":"active"}]}',
    },
    provenance: { scheme: 'run', by: '@line/bot-sdk', fromMemory: ['answer', 'retries', 'copy'] },
  },
  {
    name: 'heroku',
    title: 'Heroku',
    documentation: 'https://devcenter.heroku.com/articles/app-webhooks',
    copy: { what: 'Secret', where: 'heroku webhooks:add --secret, or what it prints' },
    scheme: plainHmac('heroku-webhook-hmac-sha256', 'base64'),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'id' }],
      type: [{ join: [{ member: 'resource' }, { member: 'action' }], by: '.' }],
      apart: 'the id, which is the event’s',
      kept: 'the id; webhook_metadata.attempt.id is the attempt’s',
      source: 'https://github.com/heroku/webhooks-docs, devcenter/app-webhooks.md',
    },
    answer: { text: '2xx' },
    retries: 'level sync: up to 72 hours; level notify: none',
    sample: {
      body: '{"id":"b0a3f4a1-7f7b-4b8e-b3a1-96d2c1f2a3b4","action":"update","resource":"dyno","created_at":"2026-05-02T09:00:00Z","data":{"app":{"name":"example"},"state":"up","type":"web"},"version":"application/vnd.heroku+json; version=3"}',
    },
    provenance: {
      scheme: 'memory',
      by: 'several other people’s code',
      fromMemory: ['answer', 'retries', 'copy'],
    },
  },
  {
    name: 'dropbox',
    title: 'Dropbox',
    documentation: 'https://www.dropbox.com/developers/reference/webhooks',
    copy: { what: 'App secret', where: 'App Console → the app → Settings' },
    scheme: plainHmac('x-dropbox-signature', 'hex'),
    identity: {
      names: 'nothing',
      repeats: 'none',
      apart: 'nothing: the request only says whose files changed',
      kept: 'whose files changed',
      source: 'https://www.dropbox.com/developers/reference/webhooks',
    },
    answer: { text: '200', timeoutSeconds: 10 },
    retries: 'growing gaps; a failing webhook is disabled',
    handshake: dropboxHandshake,
    notes: ['An event only says whose files changed: list the changes with the API.'],
    sample: {
      body: '{"list_folder":{"accounts":["dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc"]},"delta":{"users":[12345678]}}',
    },
    provenance: { scheme: 'read', by: 'Dropbox’ sample mdwebhook', fromMemory: ['retries', 'copy'] },
  },
  {
    name: 'asana',
    title: 'Asana',
    documentation: 'https://developers.asana.com/docs/webhooks-guide',
    copy: {
      what: 'X-Hook-Secret',
      where: 'sent once, to this source, while the webhook is made with the API',
    },
    scheme: plainHmac('x-hook-signature', 'hex'),
    secretRequired: false,
    identity: {
      names: 'object',
      repeats: 'id-and-body',
      id: [{ join: [{ member: 'events.*.resource.gid' }, { member: 'events.*.created_at' }], by: ':' }],
      type: [
        { join: [{ member: 'events.*.resource.resource_type' }, { member: 'events.*.action' }], by: '.' },
      ],
      apart:
        'created_at, the action and the resource of each event; a heartbeat has no events, and each is one of its own',
      kept: 'the body',
      source: 'https://developers.asana.com/docs/webhooks-guide',
    },
    answer: { text: '2xx', timeoutSeconds: 10 },
    retries: 'growing gaps for 24 hours, then the webhook is deleted; an empty heartbeat every 8 hours',
    handshake: asanaHandshake,
    sample: {
      body: '{"events":[{"user":{"gid":"1234","resource_type":"user"},"created_at":"2026-08-21T18:20:37.972Z","action":"changed","resource":{"gid":"1337","resource_type":"task"},"parent":null,"change":{"field":"due_at","action":"changed"}}]}',
    },
    provenance: { scheme: 'read', by: 'Asana’s documentation' },
  },
  {
    name: 'sentry',
    title: 'Sentry',
    documentation: 'https://docs.sentry.io/organization/integrations/integration-platform/webhooks/',
    copy: { what: 'Client secret', where: 'Settings → Custom Integrations → the integration → Credentials' },
    scheme: plainHmac('sentry-hook-signature', 'hex'),
    identity: {
      names: 'delivery',
      repeats: 'id',
      id: [{ header: 'request-id' }],
      type: [
        { join: [{ header: 'sentry-hook-resource' }, { member: 'action' }], by: '.' },
        { header: 'sentry-hook-resource' },
      ],
      apart: 'the id',
      kept: 'there are no repeats',
      source: 'https://docs.sentry.io/organization/integrations/integration-platform/webhooks/',
    },
    answer: { text: '2xx', timeoutSeconds: 1 },
    retries: 'none; 1,000 time-outs in 24 hours unsubscribe',
    notes: ['Sentry-Hook-Timestamp isn’t signed, so it is not looked at.'],
    sample: {
      headers: { 'sentry-hook-resource': 'issue', 'request-id': '7c7c3f4f5f3e4d7f8f0a6e2b9c1d3a55' },
      body: '{"action":"created","installation":{"uuid":"a8e5d37a-696c-4c54-adb5-b3f28d64c7de"},"data":{"issue":{"id":"1170820242","title":"Error: example","level":"error"}},"actor":{"type":"application","id":"sentry","name":"Sentry"}}',
    },
    provenance: { scheme: 'read', by: 'Sentry’s documentation, in excerpts', fromMemory: ['copy'] },
  },
  {
    name: 'pusher',
    title: 'Pusher Channels',
    documentation: 'https://pusher.com/docs/channels/server_api/webhooks/',
    copy: { what: 'Secret of the app key', where: 'Dashboard → the app → App Keys' },
    scheme: plainHmac('x-pusher-signature', 'hex'),
    identity: {
      names: 'nothing',
      repeats: 'body',
      type: [{ member: 'events.*.name' }],
      apart: 'time_ms, when the webhook was made, the names and the channels',
      kept: 'the body',
      source: 'https://pusher.com/docs/channels/server_api/webhooks/',
    },
    answer: { text: '2xx' },
    retries: 'for 5 minutes',
    notes: ['X-Pusher-Key says which key signed; configure the secret of each as one of the secrets.'],
    sample: {
      headers: { 'x-pusher-key': '1234567890abcdefghij' },
      body: '{"time_ms":1760000000000,"events":[{"name":"channel_occupied","channel":"presence-example"}]}',
    },
    provenance: { scheme: 'run', by: 'pusher', fromMemory: ['retries', 'copy'] },
  },
  {
    name: 'vercel',
    title: 'Vercel',
    documentation: 'https://vercel.com/docs/webhooks/webhooks-api',
    copy: { what: 'Secret (integrations: client secret)', where: 'Team Settings → Webhooks; shown once' },
    scheme: plainHmac('x-vercel-signature', 'hex', { algorithm: 'hmac-sha1' }),
    identity: {
      names: 'delivery',
      repeats: 'id',
      id: [{ member: 'id' }],
      type: [{ member: 'type' }],
      apart: 'the id',
      kept: 'the id',
      source: 'https://vercel.com/docs/webhooks/webhooks-api for the id, memory for a repeat',
    },
    answer: { text: '2xx' },
    retries: 'up to 24 hours',
    sample: {
      body: '{"id":"uev_2f0ZkYkY3X1aZ9","type":"deployment.succeeded","createdAt":1760000000000,"region":"iad1","payload":{"deployment":{"id":"dpl_5m8CQaRBm3FnWRW1od3wKTpaECPx","name":"example"},"team":{"id":"team_tbCvp1cHvr4fQ6Q1LKTSWmdt"}}}',
    },
    provenance: {
      scheme: 'memory',
      by: 'other people’s code (one library says sha256: wrong)',
      fromMemory: ['answer', 'retries', 'copy'],
    },
  },
  {
    name: 'vercel-log-drain',
    title: 'Vercel log drains',
    variantOf: 'vercel',
    documentation: 'https://vercel.com/docs/drains/security',
    copy: { what: 'Signature secret of the drain', where: 'Team Settings → Drains → the drain' },
    options: [{ name: 'verify', text: 'the x-vercel-verify value that Vercel shows when the drain is made' }],
    scheme: plainHmac('x-vercel-signature', 'hex', { algorithm: 'hmac-sha1' }),
    secretRequired: false,
    identity: {
      names: 'occurrence',
      repeats: 'id-and-body',
      id: [{ member: '*.id' }],
      type: [{ member: '*.source' }],
      apart: 'the ids of the log lines',
      kept: 'the body',
      source: 'https://vercel.com/docs/drains/reference/logs for the ids, memory for a repeat',
    },
    answer: { text: '2xx' },
    retries: 'not known',
    handshake: vercelHandshake,
    sample: {
      body: '[{"id":"1573817187330377061717300000","message":"done","timestamp":1760000000000,"source":"lambda","projectId":"gdufoJxB6b9b1fEqr1jUtFkyavUU","deploymentId":"dpl_233NRGRjVZX1caZrXWtz5g1TAksD","host":"example.vercel.app"}]',
    },
    provenance: {
      scheme: 'memory',
      by: 'Vercel’s documentation',
      fromMemory: ['answer', 'handshake', 'retries', 'copy'],
    },
  },
  {
    name: 'docusign',
    title: 'DocuSign Connect',
    documentation: 'https://developers.docusign.com/platform/webhooks/connect/validate/',
    copy: { what: 'HMAC key', where: 'Admin → Integrations → Connect → Connect keys; shown once' },
    scheme: plainHmac('x-docusign-signature-{n}', 'base64'),
    identity: {
      names: 'object',
      repeats: 'id',
      id: [
        {
          join: [
            { member: 'event' },
            { member: 'data.envelopeId' },
            { member: 'data.recipientId', optional: true },
            { member: 'generatedDateTime' },
            { member: 'configurationId', optional: true },
          ],
          by: ':',
        },
      ],
      withoutId: 'body',
      type: [{ member: 'event' }],
      apart:
        'the event, the recipient and generatedDateTime (100 ns); the envelope’s id is shared by all its events',
      kept: 'these; retryCount grows',
      source:
        'https://developers.docusign.com/platform/webhooks/connect/json-sim-event-model for the event, memory for repeats',
    },
    answer: { text: '2xx', timeoutSeconds: 100 },
    retries: 'for days',
    notes: ['One header for each active key, up to 100; any may match.'],
    sample: {
      body: '{"event":"envelope-completed","apiVersion":"v2.1","retryCount":0,"configurationId":10425193,"generatedDateTime":"2026-05-02T09:00:00.0000000Z","data":{"accountId":"6f1f4b2c-5d6e-4c1b-8b57-3f2a0c9d8e7f","envelopeId":"b2f3d4c5-0a1b-4c2d-8e3f-4a5b6c7d8e9f"}}',
    },
    provenance: {
      scheme: 'read',
      by: 'DocuSign’s documentation, in excerpts',
      fromMemory: ['answer', 'retries', 'copy'],
    },
  },
  {
    name: 'linear',
    title: 'Linear',
    documentation: 'https://linear.app/developers/webhooks',
    copy: { what: 'Signing secret, lin_wh_…', where: 'Settings → API → Webhooks → the webhook' },
    scheme: plainHmac('linear-signature', 'hex', {
      timestamp: { member: 'webhookTimestamp', unit: 'ms', past: lastRetrySeconds, future: 60 },
    }),
    identity: {
      names: 'delivery',
      repeats: 'id',
      id: [{ header: 'linear-delivery' }],
      type: [
        { join: [{ header: 'linear-event' }, { member: 'action' }], by: '.' },
        { header: 'linear-event' },
        { member: 'type' },
      ],
      apart: 'the id, which is the payload’s',
      kept: 'the id; webhookTimestamp may differ',
      source: 'https://linear.app/developers/webhooks',
    },
    answer: { text: '200', timeoutSeconds: 5 },
    retries: '3: after 1 min, 1 h and 6 h',
    notes: [
      'The time is a member of the body; the header Linear-Timestamp isn’t signed, so it is not looked at.',
      'Linear’s library allows 60 s. Here the default is the time of the last retry, 7 h 1 min, and an hour more: a retry is the same body, so it carries the first one’s webhookTimestamp (https://github.com/vercel/eve/issues/1570), and would be refused for ever. What was accepted once is known by its Linear-Delivery. Set toleranceSeconds to 60 to do as the library does.',
    ],
    sample: {
      headers: { 'linear-delivery': '234d1a4e-b617-4388-90fe-adc3633d6b72', 'linear-event': 'Issue' },
      body: '{"action":"create","type":"Issue","createdAt":"2026-01-23T12:53:18.084Z","data":{"id":"2174add1-f7c8-44e3-bbf3-2d60b5ea8bc9","title":"Example"},"organizationId":"f5c3a6d5-9d38-4b5a-9c45-bd9a0e64d3b2","webhookTimestamp":{nowMs},"webhookId":"000042e3-d123-4980-b49f-8e140eef9329"}',
    },
    provenance: { scheme: 'run', by: '@linear/sdk' },
  },
]
