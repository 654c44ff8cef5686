import { createPublicKey, createSign, type KeyObject, verify as verifyWithKey } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Verdict } from '../scheme.ts'
import { checkChain, isUnderDomain, openRoots, readCertificates } from '../verify/certificate.ts'
import { decode } from '../verify/decode.ts'
import { headerText } from '../verify/header.ts'
import { SchemeError } from '../verify/scheme-error.ts'
import { checkTimestamp, type TimestampRule, toleranceOf } from '../verify/timestamp.ts'
import { invalid } from '../verify/verdict.ts'
import type { OpenVerify, Provider, SignSample } from './provider.ts'

/*
 * transmission id | time | webhook id | crc32 of the body, signed with RSA by a certificate that the request names.
 * So everything hangs on whose certificate that is: its address must be PayPal's, its chain must end in a trusted
 * root, and it must be for a name of PayPal's.
 */

const domain = 'paypal.com'
// PayPal's own code bounds no time; retries keep the first transmission's time for up to three days.
const timestampRule: TimestampRule = { unit: 'iso', past: null, future: null }

/** @throws SchemeError without a webhookId, or where `certPem` isn't a certificate */
const open: OpenVerify = (config, tools) => {
  const webhookId = config.options?.webhookId
  if (typeof webhookId !== 'string' || webhookId === '') {
    throw new SchemeError('option_missing', 'paypal', 'A source of paypal needs the option webhookId.')
  }
  const pinned = openPinned(config.options?.certPem)
  const findKey = openCertificates(openRoots(tools.roots))
  const rule = toleranceOf(timestampRule, config.toleranceSeconds)

  return (request, nowMs) => {
    const read = (name: string) => headerText(request.headers, `paypal-${name}`)
    const id = read('transmission-id')
    const time = read('transmission-time')
    const signatureText = read('transmission-sig')
    const certUrl = read('cert-url')
    if (!id || !signatureText || !certUrl) return invalid('signature_missing', 'a PAYPAL-… header is missing')
    if (!time) return invalid('timestamp_missing')
    if (read('auth-algo') !== 'SHA256withRSA') {
      return invalid('algorithm_not_allowed', 'only SHA256withRSA is accepted')
    }
    if (!isAllowedUrl(certUrl)) return invalid('certificate_untrusted', 'PAYPAL-CERT-URL isn’t PayPal’s')
    const signature = decode(signatureText, 'base64')
    if (!signature) return invalid('signature_malformed', 'expected base64')
    const text = `${id}|${time}|${webhookId}|${crc32(request.body)}`
    const finish = (key: KeyObject): Verdict =>
      verifyWithKey('sha256', Buffer.from(text), key, signature)
        ? (checkTimestamp(time, rule, nowMs) ?? { kind: 'valid' })
        : invalid('signature_mismatch')
    if (pinned) return finish(pinned)
    return tools.keys(certUrl).then(
      pem => {
        const found = findKey(pem, nowMs)
        if ('untrusted' in found) return invalid('certificate_untrusted', found.untrusted)
        const verdict = finish(found.key)
        if (verdict.kind === 'valid') tools.keys.prove?.(certUrl)
        return verdict
      },
      error => invalid('key_unavailable', error instanceof Error ? error.message : undefined),
    )
  }
}

/** https, PayPal's own host, the default port, no credentials; compared after parsing: the parsed host is the one connected to. */
function isAllowedUrl(text: string): boolean {
  const url = URL.parse(text)
  return (
    url?.protocol === 'https:' &&
    url.port === '' &&
    url.username === '' &&
    url.password === '' &&
    isUnderDomain(url.hostname, domain)
  )
}

/** A certificate that the source's owner configured: trusted without looking at its chain and dates. */
function openPinned(pem: unknown): KeyObject | undefined {
  if (pem === undefined) return undefined
  const leaf = typeof pem === 'string' ? readCertificates(pem)?.[0] : undefined
  if (!leaf)
    throw new SchemeError('option_invalid', 'paypal', 'The option certPem of paypal isn’t a PEM certificate.')
  return leaf.publicKey
}

type Found = { readonly key: KeyObject } | { readonly untrusted: string }

/** Remembers the last bundle's chain for an hour, so that a request costs one RSA check, not four. */
function openCertificates(roots: ReturnType<typeof openRoots>): (pem: string, nowMs: number) => Found {
  const recheckMs = 3_600_000
  let last: { pem: string; atMs: number; found: Found } | undefined
  return (pem, nowMs) => {
    if (last?.pem === pem && Math.abs(nowMs - last.atMs) < recheckMs) return last.found
    const chain = checkChain(pem, roots(), name => isUnderDomain(name.replace(/^\*\./, ''), domain), nowMs)
    const found: Found =
      chain.kind === 'untrusted'
        ? { untrusted: chain.detail }
        : chain.leaf.publicKey.asymmetricKeyType === 'rsa'
          ? { key: createPublicKey(chain.leaf.publicKey.export({ format: 'pem', type: 'spki' })) }
          : { untrusted: 'the certificate’s key isn’t RSA' }
    last = { pem, atMs: nowMs, found }
    return found
  }
}

const sign: SignSample = (request, config, { nowMs, random, privateKey }) => {
  if (privateKey === undefined)
    throw new SchemeError('cannot_sign', 'paypal', 'Only PayPal has the key that signs its requests.')
  const id = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('')
  const time = new Date(nowMs).toISOString().replace(/\.\d{3}Z$/, 'Z')
  const text = `${id}|${time}|${config.options?.webhookId}|${crc32(request.body)}`
  return {
    headers: {
      'paypal-transmission-id': id,
      'paypal-transmission-time': time,
      'paypal-transmission-sig': createSign('sha256').update(text).sign(privateKey, 'base64'),
      'paypal-cert-url': 'https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77',
      'paypal-auth-algo': 'SHA256withRSA',
    },
  }
}

export const paypal: Provider = {
  name: 'paypal',
  title: 'PayPal',
  documentation: 'https://developer.paypal.com/api/rest/webhooks/rest/',
  copy: {
    what: 'Webhook ID',
    where: 'Developer Dashboard → Apps & Credentials → the app → Webhooks: the column Webhook ID',
  },
  options: [
    {
      name: 'webhookId',
      required: true,
      text: 'the id that PayPal gave this webhook; it is part of the signed text',
    },
    { name: 'certPem', text: 'a certificate to trust instead of the one that requests name (for tests)' },
  ],
  scheme: {
    kind: 'code',
    open,
    text: {
      where: 'headers PAYPAL-TRANSMISSION-SIG, -ID, -TIME, -CERT-URL, -AUTH-ALGO',
      algorithm: 'RSA-SHA256',
      content: 'transmission id | time | webhook id | crc32 of the body',
      key: 'the certificate at PAYPAL-CERT-URL: https, under paypal.com, its chain ending in a trusted root',
    },
    sign,
  },
  identity: {
    names: 'occurrence',
    repeats: 'id',
    id: [{ member: 'id' }, { header: 'paypal-transmission-id' }],
    type: [{ member: 'event_type' }],
    apart: 'the id, WH-…',
    kept: 'the id, also when it is sent again by hand',
    source: 'https://docs.paypal.ai/reference/api/rest/webhooks-events/resend-event-notification',
  },
  answer: { text: '2xx' },
  retries: 'up to 25 tries over 3 days',
  sample: {
    body: '{"id":"WH-58D329510W468432D-8HN650336L201105X","event_version":"1.0","create_time":"2026-02-14T21:50:07.940Z","resource_type":"capture","resource_version":"2.0","event_type":"PAYMENT.CAPTURE.COMPLETED","summary":"Payment completed for $ 2.51 USD","resource":{"id":"42311647XV020574X","amount":{"currency_code":"USD","value":"2.51"},"final_capture":true,"status":"COMPLETED"}}',
  },
  provenance: {
    scheme: 'read',
    by: 'PayPal-Python-SDK, whose signed text was run; the chain is tested with a CA of our own, never against a live delivery',
    fromMemory: ['retries', 'copy'],
  },
}
