import { empty, json } from '../verify/handshake.ts'
import { scanMember } from '../verify/members.ts'
import type { HandshakeDefinition, Provider } from './provider.ts'

const discordHandshake: HandshakeDefinition = {
  text: 'signed PING: 204 for webhook events (type 0), {"type":1} for interactions (type 1)',
  answer(request, { verified }) {
    if (!verified || request.method !== 'POST') return undefined
    const type = scanMember(request.body, ['type'])
    // Webhook events: PING is 0, an event 1. Interactions: PING is 1, and has no `event`.
    if (type === '0') return empty(204)
    const isEvent = scanMember(request.body, ['event', 'type']) !== undefined
    return type === '1' && !isEvent ? json({ type: 1 }) : undefined
  },
}

/** A public key over a time and the body. */
export const publicKeyRows: readonly Provider[] = [
  {
    name: 'discord',
    title: 'Discord',
    documentation: 'https://docs.discord.com/developers/events/webhook-events',
    copy: {
      what: 'Public key, 64 hexadecimal digits',
      where: 'Developer Portal → the app → General Information',
    },
    scheme: {
      kind: 'signature',
      algorithm: 'ed25519',
      key: 'ed25519-hex',
      encoding: 'hex-any-case',
      headers: ['x-signature-ed25519'],
      timestamp: { header: 'x-signature-timestamp', unit: 's', past: null, future: null },
      content: ['{timestamp}', '{body}'],
    },
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'id' }],
      withoutId: 'body',
      type: [{ member: 'event.type' }, { member: 'type' }],
      apart: 'of interactions the id, of events their timestamp (µs)',
      kept: 'the id, or the body',
      source: 'https://docs.discord.com/developers/events/webhook-events',
    },
    answer: { text: '204 with an empty body', timeoutSeconds: 3, accepted: empty(204) },
    retries: 'growing gaps for about 10 minutes, then disabled by mail',
    handshake: discordHandshake,
    notes: [
      'Discord sends bad signatures routinely and wants 401: such rejections are no fault.',
      'Interactions need an answer of their own within 3 s; only their PING is answered here.',
      'Discord bounds no time; set toleranceSeconds to do so.',
    ],
    sample: {
      body: '{"version":1,"application_id":"1234560123453231555","type":1,"event":{"type":"APPLICATION_AUTHORIZED","timestamp":"2026-10-18T14:42:53.064834","data":{"integration_type":1,"scopes":["applications.commands"],"user":{"id":"53908232506183680","username":"ada"}}}}',
    },
    provenance: { scheme: 'run', by: 'discord-interactions' },
  },
  {
    name: 'telnyx',
    title: 'Telnyx',
    documentation: 'https://developers.telnyx.com/development/api-fundamentals/webhooks/receiving-webhooks',
    copy: {
      what: 'Public key, base64',
      where: 'Mission Control → Account Settings → Keys & Credentials → Public Key',
    },
    scheme: {
      kind: 'signature',
      algorithm: 'ed25519',
      key: 'ed25519-base64',
      encoding: 'base64',
      headers: ['telnyx-signature-ed25519'],
      timestamp: { header: 'telnyx-timestamp', unit: 's', past: 300, future: 300 },
      content: ['{timestamp}', '|', '{body}'],
    },
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: 'data.id' }],
      type: [{ member: 'data.event_type' }],
      apart: 'data.id',
      kept: 'data.id; meta.attempt grows',
      source:
        'https://developers.telnyx.com/docs/voice/programmable-voice/receiving-webhooks for the id, https://developers.telnyx.com/docs/voice/programmable-voice/command-retries for a repeat, which is identical',
    },
    answer: { text: '2xx' },
    retries: '3 tries, then the failover URL',
    sample: {
      body: '{"data":{"event_type":"message.received","id":"b301ed3f-1490-491f-995f-6e64e69674d4","occurred_at":"2026-10-15T20:16:07.588+00:00","record_type":"event","payload":{"direction":"inbound","id":"84cca175-9755-4859-b67f-4730d7f58aa3","text":"Hello","type":"SMS"}},"meta":{"attempt":1}}',
    },
    provenance: { scheme: 'run', by: 'telnyx', fromMemory: ['retries', 'copy'] },
  },
  {
    name: 'sendgrid',
    title: 'SendGrid event webhook',
    documentation:
      'https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features',
    copy: {
      what: 'Verification key, base64',
      where: 'Settings → Mail Settings → Event Webhooks → Signature Verification',
    },
    scheme: {
      kind: 'signature',
      algorithm: 'ecdsa-sha256',
      key: 'spki-base64',
      encoding: 'base64',
      headers: ['x-twilio-email-event-webhook-signature'],
      timestamp: { header: 'x-twilio-email-event-webhook-timestamp', unit: 's', past: null, future: null },
      content: ['{timestamp}', '{body}'],
    },
    identity: {
      names: 'occurrence',
      repeats: 'id',
      id: [{ member: '*.sg_event_id' }],
      type: [{ member: '*.event' }],
      apart: 'sg_event_id of each item',
      kept: 'sg_event_id of each item',
      source: 'https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event',
    },
    answer: { text: '2xx' },
    retries: 'growing gaps for 24 hours',
    notes: [
      'A request is a batch; each item has its own sg_event_id.',
      'SendGrid’s library bounds no time; set toleranceSeconds to do so.',
      'OAuth, which SendGrid can use beside the signature or without it (https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features), isn’t looked at: its tokens are your own server’s, and only that can tell a right one. Switch the signature on. Inbound Parse is signed in the same way, where its security policy says so.',
    ],
    sample: {
      body: '[{"email":"ada@example.com","timestamp":{nowSeconds},"smtp-id":"<14c5d75ce93.dfd.64b469@ismtpd-555>","event":"delivered","category":["example"],"sg_event_id":"ZGVsaXZlcmVkLTEwOTk0OTE5LUxSelhsX05I","sg_message_id":"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0","response":"250 OK"}]\r\n',
    },
    provenance: { scheme: 'run', by: '@sendgrid/eventwebhook', fromMemory: ['answer', 'retries', 'copy'] },
  },
]
