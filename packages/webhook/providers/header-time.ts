import type { SignatureDescriptor } from '../verify/descriptor.ts'
import { echo, json } from '../verify/handshake.ts'
import { headerText } from '../verify/header.ts'
import { scanMember } from '../verify/members.ts'
import { hmacText } from './hmac-text.ts'
import type { HandshakeDefinition, Provider, SchemeDefinition } from './provider.ts'
import { webflow } from './webflow.ts'

type Differs = Pick<SignatureDescriptor, 'headers' | 'timestamp' | 'content'> & Partial<SignatureDescriptor>

/** The time (and an id) in headers of their own. */
function timed(scheme: Differs): SchemeDefinition {
  return { kind: 'signature', algorithm: 'hmac-sha256', encoding: 'hex', ...scheme }
}

const slackHandshake: HandshakeDefinition = {
  text: 'POST of type url_verification, signed like an event: its challenge as text/plain',
  answer(request, { verified }) {
    if (!verified || request.method !== 'POST') return undefined
    if (scanMember(request.body, ['type']) !== 'url_verification') return undefined
    return echo(scanMember(request.body, ['challenge']))
  },
}

const zoomHandshake: HandshakeDefinition = {
  text: 'POST of the event endpoint.url_validation, signed like an event: plainToken with its HMAC; again every 72 hours',
  answer(request, { verified, secret }) {
    if (!verified || secret === undefined) return undefined
    if (scanMember(request.body, ['event']) !== 'endpoint.url_validation') return undefined
    const plainToken = scanMember(request.body, ['payload', 'plainToken'])
    if (plainToken === undefined) return undefined
    return json({ plainToken, encryptedToken: hmacText('sha256', secret, plainToken, 'hex') })
  },
}

const twitchHandshake: HandshakeDefinition = {
  text: 'POST of the type webhook_callback_verification, signed like an event: its raw challenge as text/plain',
  answer(request, { verified }) {
    const type = headerText(request.headers, 'twitch-eventsub-message-type')
    if (!verified || type !== 'webhook_callback_verification') return undefined
    return echo(scanMember(request.body, ['challenge']))
  },
}

export const headerTimeRows: readonly Provider[] = [
  {
    name: 'slack',
    title: 'Slack',
    documentation: 'https://docs.slack.dev/authentication/verifying-requests-from-slack',
    copy: {
      what: 'Signing secret',
      where: 'api.slack.com/apps → the app → Basic Information → App Credentials',
    },
    scheme: timed({
      headers: ['x-slack-signature'],
      prefix: 'v0=',
      timestamp: { header: 'x-slack-request-timestamp', unit: 's', past: 300, future: null },
      content: ['v0:', '{timestamp}', ':', '{body}'],
    }),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'event_id' }, { form: 'trigger_id' }, { form: 'payload', member: 'trigger_id' }],
      type: [
        { member: 'event.type' },
        { member: 'type' },
        { form: 'command' },
        { form: 'payload', member: 'type' },
      ],
      apart:
        'event_id; of commands and interactions trigger_id. Interactions without one (view_closed, block_suggestion) are never repeats',
      kept: 'event_id; X-Slack-Retry-Num grows',
      source: 'https://api.slack.com/types/event',
    },
    answer: { text: '2xx', timeoutSeconds: 3 },
    retries: '3: about now, after 1 min and 5 min (X-Slack-Retry-Num)',
    handshake: slackHandshake,
    sample: {
      body: '{"token":"XXYYZZ","team_id":"T123ABC456","api_app_id":"A123ABC456","event":{"type":"app_mention","user":"U123ABC456","text":"<@U0LAN0Z89> hello","ts":"1760000000.000200","channel":"C123ABC456"},"type":"event_callback","event_id":"Ev123ABC456","event_time":1760000000}',
    },
    provenance: { scheme: 'run', by: '@slack/bolt', fromMemory: ['handshake', 'retries'] },
  },
  {
    name: 'zoom',
    title: 'Zoom',
    documentation: 'https://developers.zoom.us/docs/api/webhooks/',
    copy: { what: 'Secret token', where: 'Marketplace → the app → Features → Access → Token' },
    scheme: timed({
      headers: ['x-zm-signature'],
      prefix: 'v0=',
      timestamp: { header: 'x-zm-request-timestamp', unit: 's', past: null, future: null },
      content: ['v0:', '{timestamp}', ':', '{body}'],
    }),
    identity: {
      names: 'nothing',
      repeats: 'body',
      type: [{ member: 'event' }],
      apart:
        'event_ts (ms), the event and its object. X-Zm-Trackingid is not used: nothing says whether a repeat keeps it',
      kept: 'the body',
      source:
        'https://github.com/raman325/ha-zoom-automation/issues/57 for event_ts of a repeat, memory for the rest',
    },
    answer: { text: '200 or 204', timeoutSeconds: 3 },
    retries: '3: after 5 minutes, 20 minutes later and 60 minutes later',
    handshake: zoomHandshake,
    notes: ['Zoom’s library bounds no time; set toleranceSeconds to do so.'],
    sample: {
      headers: { 'x-zm-trackingid': 'v=2.0;clid=us02;rid=WEB_0123456789abcdef0123456789abcdef' },
      body: '{"event":"meeting.started","event_ts":1760000000000,"payload":{"account_id":"D8cJuqWVQ623CI4Q8yQK0Q","object":{"id":"1234567890","topic":"Example","uuid":"4444AAAiAAAAAiAiAiiAii=="}}}',
    },
    // @zoom/rivet and Zoom's sample, the only official code, come under Zoom's terms of use instead of a licence.
    provenance: {
      scheme: 'vectors',
      by: 'requests that @zoom/rivet accepted and refused; no code of Zoom’s has a free licence to run it here',
      fromMemory: ['identity', 'copy'],
    },
  },
  {
    name: 'zendesk',
    title: 'Zendesk',
    documentation: 'https://developer.zendesk.com/documentation/webhooks/verifying/',
    copy: {
      what: 'Signing secret',
      where: 'Admin Center → Apps and integrations → Webhooks → the webhook → Reveal secret',
    },
    scheme: timed({
      headers: ['x-zendesk-webhook-signature'],
      encoding: 'base64',
      timestamp: { header: 'x-zendesk-webhook-signature-timestamp', unit: 'iso', past: null, future: null },
      content: ['{timestamp}', '{body}'],
    }),
    identity: {
      names: 'delivery',
      repeats: 'id',
      id: [{ header: 'x-zendesk-webhook-invocation-id' }, { member: 'id' }],
      type: [{ member: 'type' }],
      apart: 'the id of the invocation, which may have several attempts',
      kept: 'the id',
      source: 'https://developer.zendesk.com/api-reference/webhooks/introduction',
    },
    answer: { text: '2xx', timeoutSeconds: 12 },
    retries: '409: 3; time-outs: 5; 429 and 503 with a retry-after under 60 s',
    notes: [
      'Test calls from Zendesk’s page are signed with a static secret from its documentation, not with yours.',
    ],
    sample: {
      headers: { 'x-zendesk-webhook-invocation-id': '01GT0Y3JZQKV7XK9QJ8C3M2N1P' },
      body: '{"account_id":22129848,"detail":{"id":"6596848315901","status":"open"},"event":{},"id":"2b24ef10-19d8-4740-93cf-8f98ec4776c0","subject":"zen:ticket:6596848315901","time":"2026-07-04T05:33:18Z","type":"zen:event-type:ticket.status_changed"}',
    },
    provenance: {
      scheme: 'read',
      by: 'Zendesk’s documentation',
      fromMemory: ['answer', 'retries'],
    },
  },
  webflow,
  {
    name: 'twitch',
    title: 'Twitch EventSub',
    documentation: 'https://dev.twitch.tv/docs/eventsub/handling-webhook-events/',
    copy: {
      what: 'Secret, 10 to 100 characters',
      where: 'the API call that makes the subscription: you choose it',
    },
    scheme: timed({
      headers: ['twitch-eventsub-message-signature'],
      prefix: 'sha256=',
      id: 'twitch-eventsub-message-id',
      timestamp: { header: 'twitch-eventsub-message-timestamp', unit: 'iso', past: 600, future: null },
      content: ['{id}', '{timestamp}', '{body}'],
    }),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ header: 'twitch-eventsub-message-id' }],
      type: [{ header: 'twitch-eventsub-subscription-type' }, { member: 'subscription.type' }],
      apart: 'the id',
      kept: 'the id; Twitch-Eventsub-Message-Retry grows',
      source: 'https://dev.twitch.tv/docs/eventsub/',
    },
    answer: { text: '2xx within a few seconds' },
    retries: 'a few; a subscription that fails too often is revoked',
    handshake: twitchHandshake,
    sample: {
      headers: {
        'twitch-eventsub-message-id': 'e76c6bd4-55c9-4987-8304-da1588d8988b',
        'twitch-eventsub-message-type': 'notification',
        'twitch-eventsub-subscription-type': 'channel.follow',
      },
      body: '{"subscription":{"id":"f1c2a387-161a-49f9-a165-0f21d7a4e1c4","type":"channel.follow","version":"2","status":"enabled"},"event":{"user_id":"1234","user_login":"ada"}}',
    },
    provenance: {
      scheme: 'vectors',
      by: 'requests that @twurple/eventsub-http accepted and refused; Twitch has no package of its own',
      fromMemory: ['answer', 'retries', 'copy'],
    },
  },
  {
    name: 'box',
    title: 'Box',
    documentation: 'https://developer.box.com/guides/webhooks/v2/signatures-v2/',
    copy: {
      what: 'Primary and secondary signature key',
      where: 'Developer Console → the app → Webhooks → Manage signature keys',
    },
    scheme: timed({
      headers: ['box-signature-primary', 'box-signature-secondary'],
      expects: { 'box-signature-version': '1', 'box-signature-algorithm': 'HmacSHA256' },
      encoding: 'base64',
      timestamp: { header: 'box-delivery-timestamp', unit: 'iso', past: 600, future: 0 },
      content: ['{body}', '{timestamp}'],
    }),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'id' }, { header: 'box-delivery-id' }],
      type: [{ member: 'trigger' }],
      apart: 'the id',
      kept: 'the id of the body; Box-Delivery-Id differs',
      source: 'https://developer.box.com/guides/webhooks/v2/',
    },
    answer: { text: '2xx', timeoutSeconds: 30 },
    retries: 'up to 10',
    notes: ['Configure both keys as secrets: either signature may match.'],
    sample: {
      headers: {
        'box-delivery-id': 'f96bb54b-ee16-4fc5-aa65-8c2d9e5b546f',
        'box-signature-algorithm': 'HmacSHA256',
        'box-signature-version': '1',
      },
      body: '{"type":"webhook_event","id":"0f15b7b4-c9a1-4c8e-8ad4-63dbd6dd6ae2","created_at":"2026-06-26T14:42:40-07:00","trigger":"FILE.UPLOADED","webhook":{"id":"53","type":"webhook"},"source":{"id":"73835521473","type":"file","name":"test.docx"}}',
    },
    provenance: { scheme: 'run', by: 'box-node-sdk', fromMemory: ['retries', 'copy'] },
  },
]
