import type { FailureKind, Outcome } from './outcome.ts'

/** What is kept of an answer: no body, it decides nothing. */
export interface DestinationResponse {
  readonly status: number
  readonly retryAfter?: string | undefined
}

/** What an answer means. 2xx alone is success (Standard Webhooks, "Deliverability and reliability"). */
export function classify(response: DestinationResponse, nowMs: number): Outcome {
  const { status } = response
  if (status >= 200 && status < 300) return { kind: 'delivered', status }
  const retryAfterMs = parseRetryAfter(response.retryAfter, nowMs)
  return {
    kind: kindOf(status, retryAfterMs),
    status,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  }
}

function kindOf(status: number, retryAfterMs: number | undefined): FailureKind {
  if (status === 410) return 'gone'
  if (status === 429 || (status === 503 && retryAfterMs !== undefined)) return 'throttled'
  if (status >= 500) return 'destination_failed'
  if (status >= 400) return 'refused_by_destination'
  return 'redirected'
}

/**
 * Retry-After (RFC 9110, 10.2.3): seconds, or an HTTP date. Milliseconds from now, at least 0; undefined where it
 * is absent or neither.
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined
  const text = value.trim()
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  if (!/^[A-Z][a-z]{2},/.test(text)) return undefined
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs)
}

/** Error codes of node:net, node:tls, node:dns, and our own, to the word for them. */
const kindOfCode: Readonly<Record<string, FailureKind>> = {
  ENOTFOUND: 'dns_failed',
  EAI_AGAIN: 'dns_failed',
  ENODATA: 'dns_failed',
  ESERVFAIL: 'dns_failed',
  ETIMEOUT: 'dns_failed',
  FAIRLEAD_ADDRESS_BLOCKED: 'address_blocked',
  FAIRLEAD_PORT_BLOCKED: 'port_blocked',
  FAIRLEAD_RESPONSE_TOO_LARGE: 'response_too_large',
  FAIRLEAD_RESPONSE_TIMEOUT: 'response_timeout',
  FAIRLEAD_NOT_HTTP: 'protocol_error',
  ECONNREFUSED: 'connection_refused',
  ENETUNREACH: 'network_unreachable',
  EHOSTUNREACH: 'network_unreachable',
  ECONNRESET: 'connection_reset',
  EPIPE: 'connection_reset',
  ETIMEDOUT: 'connect_timeout',
  CERT_HAS_EXPIRED: 'tls_expired',
  CERT_NOT_YET_VALID: 'tls_expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'tls_name_mismatch',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls_untrusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls_untrusted',
  UNABLE_TO_GET_ISSUER_CERT: 'tls_untrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls_untrusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls_untrusted',
  CERT_UNTRUSTED: 'tls_untrusted',
  CERT_REVOKED: 'tls_untrusted',
  INVALID_CA: 'tls_untrusted',
  FAIRLEAD_CLIENT_CERTIFICATE: 'client_certificate_invalid',
  // Of this machine, not of the destination: open files, local ports, memory.
  EMFILE: 'worker_failed',
  ENFILE: 'worker_failed',
  ENOBUFS: 'worker_failed',
  ENOMEM: 'worker_failed',
  EADDRNOTAVAIL: 'worker_failed',
  EADDRINUSE: 'worker_failed',
  FAIRLEAD_STOPPED: 'worker_failed',
  FAIRLEAD_NO_CONNECTION: 'worker_failed',
  ERR_INVALID_URL: 'url_invalid',
}

/**
 * What an error thrown while sending means. Errors that node wraps (`cause`, an AggregateError of several
 * addresses) are told by the first one inside that has a known code.
 */
export function classifyError(error: unknown): Outcome {
  for (const inner of unwrap(error)) {
    const code = codeOf(inner)
    const kind = kindOfCode[code] ?? kindOfPrefix(code)
    if (kind) return { kind, reason: code }
  }
  // A code that nobody foresaw says nothing of the destination.
  return { kind: 'worker_failed', reason: codeOf(error) || 'unknown error' }
}

/**
 * Alerts that a peer sends about the certificate that it was shown (RFC 8446, 6.2). OpenSSL names them by the version
 * that brought them, which differs between its releases: `ERR_SSL_SSLV3_ALERT_…`, `ERR_SSL_SSL/TLS_ALERT_…`.
 */
const aboutOurCertificate =
  /_ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(REVOKED|EXPIRED|UNKNOWN|REQUIRED)|UNKNOWN_CA|ACCESS_DENIED)$/

function kindOfPrefix(code: string): FailureKind | undefined {
  if (aboutOurCertificate.test(code)) return 'client_certificate_refused'
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO') return 'tls_failed'
  return undefined
}

function* unwrap(error: unknown, depth = 0): Generator<unknown> {
  if (depth > 4 || typeof error !== 'object' || error === null) return
  yield error
  if ('cause' in error) yield* unwrap(error.cause, depth + 1)
  if (error instanceof AggregateError)
    for (const inner of error.errors.slice(0, 8)) yield* unwrap(inner, depth + 1)
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}
