import { type KeyObject, verify as verifyWithKey, type X509Certificate } from 'node:crypto'
import type { Handshake, Verdict, WebhookRequest } from '../scheme.ts'
import { readCertificates } from '../verify/certificate.ts'
import { decode } from '../verify/decode.ts'
import { parseFields, scalarText } from '../verify/fields.ts'
import { empty } from '../verify/handshake.ts'
import { SchemeError } from '../verify/scheme-error.ts'
import { checkTimestamp, type TimestampRule, toleranceOf } from '../verify/timestamp.ts'
import { invalid } from '../verify/verdict.ts'
import type { HandshakeDefinition, OpenVerify, Provider } from './provider.ts'

/*
 * SNS signs fields of its JSON, not its bytes, with a certificate that the message names. The file at that address
 * holds one certificate without its chain, so the trust is TLS and the host: sns.<region>.amazonaws.com.
 */

const timestampRule: TimestampRule = { unit: 'iso', past: null, future: null }
const hashes: ReadonlyMap<string | undefined, string> = new Map([
  ['1', 'sha1'],
  ['2', 'sha256'],
])

/** @throws SchemeError where `certPem` isn't a certificate */
const open: OpenVerify = (config, tools) => {
  const pinned = openPinned(config.options?.certPem)
  const rule = toleranceOf(timestampRule, config.toleranceSeconds)
  const topic = config.options?.topicArn

  return (request, nowMs) => {
    const message = parseFields(request.body)
    if (!message) return invalid('body_unreadable', 'expected SNS’ JSON (raw message delivery isn’t signed)')
    const { Signature, SigningCertURL, SignatureVersion, Timestamp, TopicArn } = message
    if (typeof Signature !== 'string' || typeof SigningCertURL !== 'string') {
      return invalid('signature_missing', 'no Signature or SigningCertURL in the body')
    }
    const hash = hashes.get(scalarText(SignatureVersion))
    if (!hash) return invalid('algorithm_not_allowed', 'only SignatureVersion 1 and 2 are accepted')
    if (!isCertificateUrl(SigningCertURL)) {
      return invalid('certificate_untrusted', 'SigningCertURL isn’t SNS’ own')
    }
    const signature = decode(Signature, 'base64')
    if (!signature) return invalid('signature_malformed', 'expected base64')
    if (typeof Timestamp !== 'string') return invalid('timestamp_missing')
    const finish = (key: KeyObject): Verdict => {
      const isRight = signedTexts(message).some(
        text => text !== undefined && verifyWithKey(hash, Buffer.from(text), key, signature),
      )
      if (!isRight) return invalid('signature_mismatch')
      if (topic !== undefined && TopicArn !== topic)
        return invalid('claims_invalid', 'TopicArn is another one')
      return checkTimestamp(Timestamp, rule, nowMs) ?? { kind: 'valid' }
    }
    if (pinned) return finish(pinned)
    return tools.keys(SigningCertURL).then(
      pem => {
        const key = openFetched(pem, nowMs)
        if (!key) return invalid('certificate_untrusted', 'the certificate can’t be read, or is out of date')
        const verdict = finish(key)
        if (verdict.kind === 'valid') tools.keys.prove?.(SigningCertURL)
        return verdict
      },
      error => invalid('key_unavailable', error instanceof Error ? error.message : undefined),
    )
  }
}

const notificationNames = ['Message', 'MessageId', 'Subject', 'SubscribeURL', 'Timestamp', 'TopicArn', 'Type']
const confirmationNames = [...notificationNames, 'Token'].sort()

/**
 * The texts that may have been signed: the documentation signs Token for both confirmations, AWS' library for one.
 * Undefined where a field isn't a text.
 */
function signedTexts(message: Readonly<Record<string, unknown>>): (string | undefined)[] {
  const text = (names: readonly string[]) => {
    const present = names.filter(name => message[name] !== undefined && message[name] !== null)
    const values = present.map(name => scalarText(message[name]))
    if (values.includes(undefined)) return undefined
    return present.map((name, index) => `${name}\n${values[index]}\n`).join('')
  }
  switch (message.Type) {
    case 'SubscriptionConfirmation':
      return [text(confirmationNames)]
    case 'UnsubscribeConfirmation':
      return [text(confirmationNames), text(notificationNames)]
    default:
      return [text(notificationNames)]
  }
}

/** Only in its plain spelling: with a query or dots in the path, the same certificate would have any number of addresses. */
function isCertificateUrl(text: string): boolean {
  return isAllowedUrl(text) && /^https:\/\/[a-z0-9.-]+\/[\w.-]{1,200}\.pem$/.test(text)
}

/** https and a host of SNS itself, compared after parsing: the parsed host is the one connected to. */
function isAllowedUrl(text: string): boolean {
  const url = URL.parse(text)
  return (
    url?.protocol === 'https:' &&
    url.port === '' &&
    url.username === '' &&
    url.password === '' &&
    /^sns\.[a-z0-9-]{3,}\.amazonaws\.com(\.cn)?$/.test(url.hostname)
  )
}

function openPinned(pem: unknown): KeyObject | undefined {
  if (pem === undefined) return undefined
  const leaf = typeof pem === 'string' ? readCertificates(pem)?.[0] : undefined
  if (leaf?.publicKey.asymmetricKeyType === 'rsa') return leaf.publicKey
  throw new SchemeError(
    'option_invalid',
    'aws-sns',
    'The option certPem of aws-sns isn’t a PEM certificate for RSA.',
  )
}

function openFetched(pem: string, nowMs: number): KeyObject | undefined {
  const leaf: X509Certificate | undefined = readCertificates(pem)?.[0]
  if (leaf?.publicKey.asymmetricKeyType !== 'rsa') return undefined
  const isInDate = Date.parse(leaf.validFrom) <= nowMs && nowMs <= Date.parse(leaf.validTo)
  return isInDate ? leaf.publicKey : undefined
}

const handshake: HandshakeDefinition = {
  text: 'POST of the type SubscriptionConfirmation, signed like an event: its SubscribeURL is fetched once, if it is SNS’ own',
  answer(request: WebhookRequest, { verified }): Handshake | undefined {
    if (!verified || request.method !== 'POST') return undefined
    const message = parseFields(request.body)
    if (message?.Type === 'UnsubscribeConfirmation') return empty(200)
    if (message?.Type !== 'SubscriptionConfirmation') return undefined
    const { SubscribeURL } = message
    if (typeof SubscribeURL !== 'string' || !isAllowedUrl(SubscribeURL)) return empty(403)
    return { ...empty(200), confirmUrl: SubscribeURL }
  },
}

export const awsSns: Provider = {
  name: 'aws-sns',
  title: 'AWS SNS',
  documentation: 'https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html',
  copy: { what: 'nothing secret', where: 'the topic → Create subscription → HTTPS, with this source’s URL' },
  options: [
    {
      name: 'topicArn',
      text: 'the only topic to accept; without it any topic of any account that subscribes this URL',
    },
    { name: 'certPem', text: 'a certificate to trust instead of the one that messages name (for tests)' },
  ],
  scheme: {
    kind: 'code',
    open,
    text: {
      where: 'body Signature, SigningCertURL, SignatureVersion',
      algorithm: 'RSA-SHA1 (version 1), RSA-SHA256 (version 2)',
      content:
        'Message, MessageId, Subject, SubscribeURL, Timestamp, Token, TopicArn, Type as lines of name and value',
      key: 'the certificate at SigningCertURL: https, sns.<region>.amazonaws.com',
    },
  },
  identity: {
    names: 'message',
    repeats: 'id',
    id: [{ header: 'x-amz-sns-message-id' }, { member: 'MessageId' }],
    type: [{ header: 'x-amz-sns-message-type' }, { member: 'Type' }],
    apart: 'the message’s id',
    kept: 'the message’s id',
    source: 'https://docs.aws.amazon.com/sns/latest/dg/http-header.html',
  },
  answer: { text: '2xx', timeoutSeconds: 15 },
  retries: '3 at once, 2, then 10 with growing gaps and 35 more: 50 over an hour',
  handshake,
  notes: [
    'Fields are signed, not bytes: order and blanks of the JSON may change.',
    'Raw message delivery is unsigned: leave it off.',
  ],
  sample: {
    contentType: 'text/plain; charset=UTF-8',
    headers: { 'x-amz-sns-message-type': 'Notification' },
    body: '{"Type":"Notification","MessageId":"22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324","TopicArn":"arn:aws:sns:us-west-2:123456789012:MyTopic","Subject":"My First Message","Message":"Hello world!","Timestamp":"2026-05-02T00:54:06.655Z","SignatureVersion":"2","SigningCertURL":"https://sns.us-west-2.amazonaws.com/SimpleNotificationService-example.pem","UnsubscribeURL":"https://sns.us-west-2.amazonaws.com/?Action=Unsubscribe"}',
  },
  provenance: { scheme: 'run', by: 'sns-validator', fromMemory: ['handshake', 'retries'] },
}
