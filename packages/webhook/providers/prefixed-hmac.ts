import type { SignatureDescriptor } from '../verify/descriptor.ts'
import { echo, empty, isOneOf, json, queryChallenge } from '../verify/handshake.ts'
import { headerText } from '../verify/header.ts'
import { scanMember } from '../verify/members.ts'
import { hmacText } from './hmac-text.ts'
import { messagingTypes } from './meta-messaging.ts'
import type { HandshakeDefinition, Provider, SchemeDefinition } from './provider.ts'

/** An HMAC of the body, with a label before it: `sha256=<hex>`. */
function labelled(header: string, differs: Partial<SignatureDescriptor> = {}): SchemeDefinition {
  return {
    kind: 'signature',
    algorithm: 'hmac-sha256',
    encoding: 'hex',
    headers: [header],
    prefix: 'sha256=',
    content: ['{body}'],
    ...differs,
  }
}

const metaHandshake: HandshakeDefinition = {
  text: 'GET with hub.mode=subscribe: the bare hub.challenge if hub.verify_token is the source’s, else 403',
  answer(request, { config }) {
    if (queryChallenge(request, 'GET', 'hub.mode') !== 'subscribe') return undefined
    const option = config.options?.verifyToken
    const tokens = typeof option === 'string' ? [option] : config.secrets
    const token = queryChallenge(request, 'GET', 'hub.verify_token')
    if (token === undefined || !isOneOf(token, tokens)) return empty(403)
    return echo(queryChallenge(request, 'GET', 'hub.challenge'))
  },
}

const xHandshake: HandshakeDefinition = {
  text: 'GET with crc_token: its HMAC as JSON; at registration and hourly',
  answer(request, { secret }) {
    const token = queryChallenge(request, 'GET', 'crc_token')
    if (token === undefined || secret === undefined) return undefined
    return json({ response_token: `sha256=${hmacText('sha256', secret, token, 'base64')}` })
  },
}

const notionHandshake: HandshakeDefinition = {
  text: 'the first POST holds verification_token and is unsigned: 200; a person pastes the token in Notion, and it is the secret',
  answer(request, { config }) {
    if (request.method !== 'POST' || headerText(request.headers, 'x-notion-signature') !== undefined)
      return undefined
    const token = scanMember(request.body, ['verification_token'])
    if (token === undefined) return undefined
    // Only a source without a secret accepts an offered one: otherwise a stranger could replace it.
    return config.secrets.length === 0 ? { ...empty(200), offeredSecret: token } : empty(200)
  },
}

const intercomHandshake: HandshakeDefinition = {
  text: 'HEAD: 200',
  answer: request => (request.method === 'HEAD' ? empty(200) : undefined),
}

export const prefixedHmacRows: readonly Provider[] = [
  {
    name: 'github',
    title: 'GitHub',
    documentation: 'https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries',
    copy: { what: 'Secret', where: 'repository, organization or app → Settings → Webhooks: you choose it' },
    scheme: labelled('x-hub-signature-256'),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ header: 'x-github-delivery' }],
      type: [{ header: 'x-github-event' }],
      apart: 'the id',
      kept: 'the id, also when it is delivered again by hand',
      source: 'https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks',
    },
    answer: { text: '2xx (30 s on GitHub Enterprise Server)', timeoutSeconds: 10 },
    retries: 'none by itself: deliver again by hand or by API; the delivery id stays the same',
    notes: ['`ping` is an ordinary event.', 'The older X-Hub-Signature (SHA-1) is never accepted.'],
    sample: {
      headers: {
        'x-github-event': 'push',
        'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
        'x-github-hook-id': '292430182',
        'user-agent': 'GitHub-Hookshot/044aadd',
      },
      body: '{"ref":"refs/heads/main","before":"6113728f27ae82c7b1a177c8d03f9e96e0adf246","after":"0000000000000000000000000000000000000001","repository":{"id":186853002,"name":"example","full_name":"acme/example","private":false},"pusher":{"name":"ada"},"commits":[]}',
    },
    provenance: { scheme: 'run', by: '@octokit/webhooks-methods' },
  },
  {
    name: 'meta',
    title: 'Meta: Facebook, Instagram, Threads, WhatsApp Cloud',
    documentation: 'https://developers.facebook.com/docs/graph-api/webhooks/getting-started',
    copy: { what: 'App secret', where: 'App Dashboard → App settings → Basic' },
    options: [{ name: 'verifyToken', text: 'the token you enter beside the URL; default: the secret' }],
    scheme: labelled('x-hub-signature-256'),
    identity: {
      names: 'message',
      repeats: 'body',
      type: [
        { join: [{ member: 'object' }, { member: 'entry.*.changes.*.field' }], by: '.' },
        ...messagingTypes,
        { member: 'object' },
      ],
      apart: 'the time of each entry (s) and what changed; a message’s states share its id (wamid)',
      kept: 'the body, unless Meta puts other updates with it',
      source: 'https://developers.facebook.com/docs/graph-api/webhooks for the entries, memory for a repeat',
    },
    answer: { text: '200' },
    retries: 'at once, then rarer, for up to 36 hours (WhatsApp: 7 days)',
    handshake: metaHandshake,
    notes: ['Non-ASCII text arrives \\u-escaped, and is signed so: a body written again doesn’t verify.'],
    sample: {
      body: '{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"value":{"messaging_product":"whatsapp","messages":[{"from":"15555550100","id":"wamid.HBgLMTU1NTU1NTAxMDA","timestamp":"1760000000","type":"text","text":{"body":"caf\\u00e9"}}]},"field":"messages"}]}]}',
    },
    provenance: {
      scheme: 'read',
      by: 'Meta’s sample graph-api-webhooks-samples',
      fromMemory: ['retries', 'copy'],
    },
  },
  {
    name: 'bitbucket',
    title: 'Bitbucket Cloud and Data Center',
    documentation: 'https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/',
    copy: { what: 'Secret', where: 'Repository settings → Webhooks → the webhook: you choose it' },
    scheme: labelled('x-hub-signature'),
    identity: {
      names: 'delivery',
      repeats: 'id',
      id: [{ header: 'x-request-uuid' }, { header: 'x-request-id' }],
      type: [{ header: 'x-event-key' }],
      apart: 'the id of the request, which Data Center calls X-Request-Id',
      kept: 'the id; X-Attempt-Number grows',
      source:
        'https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/ and https://confluence.atlassian.com/bitbucketserver089/event-payload-1236435931.html',
    },
    answer: { text: '2xx', timeoutSeconds: 10 },
    retries: 'twice on 5xx (X-Attempt-Number)',
    notes: [
      'Data Center’s `diagnostics:ping` is an ordinary POST.',
      'A Data Center webhook with basic authentication alone isn’t signed, and is refused: set a secret too.',
    ],
    sample: {
      headers: { 'x-event-key': 'repo:push', 'x-request-uuid': '3e1d2b1e-9f6c-4f0c-8f5a-0d0a2a7c1b11' },
      body: '{"push":{"changes":[{"new":{"type":"branch","name":"main"}}]},"repository":{"full_name":"acme/example"},"actor":{"display_name":"Ada"}}',
    },
    provenance: {
      scheme: 'read',
      by: 'Atlassian’s documentation, in excerpts',
      fromMemory: ['answer', 'retries', 'copy'],
    },
  },
  {
    name: 'jira',
    title: 'Jira Cloud',
    documentation: 'https://developer.atlassian.com/cloud/jira/platform/webhooks/',
    copy: { what: 'Secret', where: 'Jira settings → System → WebHooks → the webhook' },
    scheme: labelled('x-hub-signature'),
    identity: {
      names: 'delivery',
      repeats: 'id',
      id: [{ header: 'x-atlassian-webhook-identifier' }],
      type: [{ member: 'webhookEvent' }],
      apart: 'the id',
      kept: 'the id; X-Atlassian-Webhook-Retry grows',
      source: 'https://developer.atlassian.com/cloud/jira/platform/webhooks/',
    },
    answer: { text: '2xx' },
    retries: 'up to 5, after 5 to 15 minutes, on 408, 409, 425, 429 and 5xx',
    notes: ['Webhooks of Connect apps carry a JWT instead: for those use custom with jwt-hs256.'],
    sample: {
      headers: { 'x-atlassian-webhook-identifier': 'b5a1d4e0-5b1b-4b6c-9a0e-2f3d4c5b6a70' },
      body: '{"timestamp":1760000000000,"webhookEvent":"jira:issue_updated","issue_event_type_name":"issue_generic","issue":{"id":"10002","key":"EX-1","fields":{"summary":"Example"}}}',
    },
    provenance: {
      scheme: 'read',
      by: 'Atlassian’s documentation, in excerpts',
      fromMemory: ['retries', 'copy'],
    },
  },
  {
    name: 'notion',
    title: 'Notion',
    documentation: 'https://developers.notion.com/reference/webhooks',
    copy: { what: 'Verification token, secret_…', where: 'the first POST that Notion sends to this source' },
    scheme: labelled('x-notion-signature', { encoding: 'hex-any-case' }),
    secretRequired: false,
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'id' }],
      type: [{ member: 'type' }],
      apart: 'the id',
      kept: 'the id; attempt_number grows',
      source:
        'https://developers.notion.com/reference/webhooks-events-delivery for the id, memory for a repeat',
    },
    answer: { text: '2xx' },
    retries: 'up to 8 tries over about 24 hours',
    handshake: notionHandshake,
    sample: {
      body: '{"id":"367cba44-b6f3-4c92-81e7-6a2e9659efd4","timestamp":"2026-12-05T23:55:34.285Z","workspace_id":"13950b26-c203-4f3b-b97d-93ec06319565","type":"page.created","attempt_number":1,"entity":{"id":"153104cd-477e-809d-8dc4-ff2d96ae3090","type":"page"}}',
    },
    provenance: { scheme: 'run', by: '@notionhq/client', fromMemory: ['handshake', 'retries', 'copy'] },
  },
  {
    name: 'intercom',
    title: 'Intercom',
    documentation: 'https://developers.intercom.com/docs/webhooks',
    copy: { what: 'Client secret', where: 'Developer Hub → the app → Basic information' },
    scheme: labelled('x-hub-signature', { algorithm: 'hmac-sha1', prefix: 'sha1=' }),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'id' }],
      type: [{ member: 'topic' }],
      apart: 'the id, notif_…',
      kept: 'the id; delivery_attempts grows',
      source: 'https://intercom-developer-hub.readme.io/reference/notification-model',
    },
    answer: { text: '2xx; 410 disables, 429 slows down', timeoutSeconds: 5 },
    retries: 'once after a minute',
    handshake: intercomHandshake,
    sample: {
      body: '{"type":"notification_event","id":"notif_ccd8a4d0-f965-11e3-a367-c779cae3e1b3","topic":"conversation.user.created","app_id":"a86dr8yl","data":{"item":{"type":"conversation","id":"147"}},"delivery_attempts":1,"created_at":1760000000}',
    },
    provenance: {
      scheme: 'memory',
      by: 'other people’s code',
      fromMemory: ['answer', 'handshake', 'retries', 'copy'],
    },
  },
  {
    name: 'typeform',
    title: 'Typeform',
    documentation: 'https://www.typeform.com/developers/webhooks/secure-your-webhooks/',
    copy: { what: 'Secret', where: 'the form → Connect → Webhooks → Edit: you choose it' },
    scheme: labelled('typeform-signature', { encoding: 'base64' }),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'event_id' }],
      type: [{ member: 'event_type' }],
      apart: 'event_id',
      kept: 'event_id',
      source:
        'https://azure.github.io/Connectors-NodeJS-SDK/interfaces/generated_TypeformExtensions.WebhookPayload.html for the id, memory for a repeat',
    },
    answer: { text: '2xx; 404 and 410 disable at once', timeoutSeconds: 30 },
    retries: 'for about 10 hours',
    sample: {
      body: '{"event_id":"LtWXD3crgy","event_type":"form_response","form_response":{"form_id":"lT4Z3j","token":"a3a12ec67a1365927098a606107fac15","submitted_at":"2026-01-18T18:17:02Z","answers":[]}}',
    },
    provenance: {
      scheme: 'memory',
      by: 'several other people’s code',
      fromMemory: ['answer', 'retries', 'copy'],
    },
  },
  {
    name: 'x',
    title: 'X (Twitter)',
    documentation: 'https://docs.x.com/x-api/webhooks/introduction',
    copy: {
      what: 'Consumer secret (API key secret)',
      where: 'Developer Console → the app → Keys and tokens',
    },
    scheme: labelled('x-twitter-webhooks-signature', { encoding: 'base64' }),
    identity: {
      names: 'nothing',
      repeats: 'body',
      type: [{ firstNameExcept: ['for_user_id', 'user_has_blocked', 'id', 'users', 'apps'] }],
      apart: 'the ids and times of what happened',
      kept: 'the body',
      source: 'https://docs.x.com/x-api/webhooks/introduction',
    },
    answer: { text: '200', timeoutSeconds: 10 },
    retries: 'none by itself: the replay API delivers again',
    handshake: xHandshake,
    sample: {
      body: '{"for_user_id":"2244994945","tweet_create_events":[{"id_str":"1050118621198921728","text":"Hello"}]}',
    },
    provenance: { scheme: 'read', by: 'X’ documentation' },
  },
  {
    name: 'airtable',
    title: 'Airtable',
    documentation: 'https://airtable.com/developers/web/api/webhooks-overview',
    copy: { what: 'macSecretBase64', where: 'the answer to the API call that makes the webhook; given once' },
    scheme: labelled('x-airtable-content-mac', { key: 'base64', prefix: 'hmac-sha256=' }),
    identity: {
      names: 'nothing',
      repeats: 'none',
      apart: 'nothing but the time: the request only says that something changed',
      kept: 'base and webhook',
      source: 'https://airtable.com/developers/web/api/webhooks-overview',
    },
    answer: { text: '200 or 204 with an empty body', timeoutSeconds: 25 },
    retries: 'with growing gaps, then the webhook is disabled',
    notes: ['An event is only a ping: fetch the payloads by cursor.'],
    sample: {
      body: '{"base":{"id":"app00000000000000"},"webhook":{"id":"ach00000000000000"},"timestamp":"2026-02-01T21:25:05.663Z"}',
    },
    provenance: { scheme: 'memory', by: 'other people’s notes', fromMemory: ['answer', 'retries', 'copy'] },
  },
  {
    name: 'circleci',
    title: 'CircleCI',
    documentation: 'https://circleci.com/docs/guides/integration/outbound-webhooks/',
    copy: { what: 'Secret token', where: 'Project Settings → Webhooks → the webhook: you choose it' },
    scheme: labelled('circleci-signature', { prefix: '', pair: { separator: ',', name: 'v1' } }),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'id' }],
      type: [{ header: 'circleci-event-type' }, { member: 'type' }],
      apart: 'the id',
      kept: 'the id',
      source: 'https://circleci.com/docs/guides/integration/outbound-webhooks/',
    },
    answer: { text: '2xx', timeoutSeconds: 10 },
    retries: 'yes; an event may arrive twice',
    sample: {
      headers: { 'circleci-event-type': 'workflow-completed' },
      body: '{"type":"workflow-completed","id":"3888f21b-eaa7-38e3-8f3d-75a63bba8895","happened_at":"2026-09-01T22:49:34.317Z","workflow":{"id":"fda08377-fe7e-46b1-8992-3a7aaecac9c3","name":"build","status":"success"}}',
    },
    provenance: {
      scheme: 'vectors',
      by: 'CircleCI’s documentation, two of whose published signatures are tested',
    },
  },
  {
    name: 'pagerduty',
    title: 'PagerDuty (v3)',
    documentation: 'https://developer.pagerduty.com/docs/verifying-webhook-signatures',
    copy: { what: 'Signing secret', where: 'Integrations → Generic Webhooks (v3) → the webhook; shown once' },
    scheme: labelled('x-pagerduty-signature', { prefix: '', pair: { separator: ',', name: 'v1' } }),
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'event.id' }],
      type: [{ member: 'event.event_type' }],
      apart: 'event.id',
      kept: 'event.id',
      source: 'https://developer.pagerduty.com/docs/webhooks/v3-overview/',
    },
    answer: { text: '2xx (16 s for incident actions)', timeoutSeconds: 5 },
    retries: 'up to 48 hours; three drops disable for a day',
    notes: ['One v1 for each live secret; any may match.', '`pagey.ping` is an ordinary event.'],
    sample: {
      body: '{"event":{"id":"5ac64822-4adc-4fda-ade0-410becf0de4f","event_type":"incident.triggered","resource_type":"incident","occurred_at":"2026-10-02T18:45:22.169Z","data":{"id":"PGR0VU2","type":"incident","title":"A little bump in the road"}}}',
    },
    provenance: {
      scheme: 'read',
      by: 'PagerDuty’s documentation and its Go library',
      fromMemory: ['copy'],
    },
  },
]
