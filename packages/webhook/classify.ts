import type { FailureKind, Outcome } from './outcome.ts'

/** The parts of an answer that decide its outcome. */
export interface DestinationResponse {
  readonly status: number
  readonly retryAfter?: string | undefined
}

/** The outcome of an answer. 2xx alone is success (Standard Webhooks, "Deliverability and reliability"). */
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
  // A number outside 100 to 599 counts as 5xx (RFC 9110, 15).
  if (status >= 500 || status < 100) return 'destination_failed'
  if (status >= 400) return 'refused_by_destination'
  return 'redirected'
}

/** About 3 years: longer than any wait that is honoured. Numbers of any length are cut to it. */
const longestSeconds = 100_000_000

/**
 * Retry-After (RFC 9110, 10.2.3): seconds, or an HTTP date in any of its three forms. Milliseconds from now, at least 0;
 * undefined where it is absent or neither.
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined
  const text = value.trim()
  if (/^\d+$/.test(text)) return Math.min(Number(text), longestSeconds) * 1000
  const atMs = parseHttpDate(text, nowMs)
  return atMs === undefined ? undefined : Math.max(0, atMs - nowMs)
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** RFC 9110, 5.6.7; a recipient must accept all three. The name of the day decides nothing. */
const dateForms = [
  // Sun, 06 Nov 1994 08:49:37 GMT
  /^[a-z]{3}, *(?<day>\d{1,2}) (?<month>[a-z]{3}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) (?:gmt|utc|\+0000)$/i,
  // Sunday, 06-Nov-94 08:49:37 GMT (RFC 850)
  /^[a-z]{3,9}, *(?<day>\d{1,2})-(?<month>[a-z]{3})-(?<year>\d{2}|\d{4}) (?<time>\d\d:\d\d:\d\d) (?:gmt|utc)$/i,
  // Sun Nov  6 08:49:37 1994 (C's asctime), which is UTC without saying so.
  /^[a-z]{3} (?<month>[a-z]{3}) +(?<day>\d{1,2}) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/i,
]

function parseHttpDate(text: string, nowMs: number): number | undefined {
  for (const form of dateForms) {
    const { day, month, year, time } = form.exec(text)?.groups ?? {}
    if (!day || !month || !year || !time) continue
    const [hours, minutes, seconds] = time.split(':').map(Number)
    const monthIndex = months.indexOf(month.toLowerCase())
    if (monthIndex < 0 || Number(day) > 31 || hours! > 23 || minutes! > 59 || seconds! > 60) return undefined
    const fullYear = year.length === 2 ? centuryOf(Number(year), nowMs) : Number(year)
    return Date.UTC(fullYear, monthIndex, Number(day), hours, minutes, seconds)
  }
  return undefined
}

/** Two digits that seem to be more than 50 years ahead are of the century before (RFC 9110, 5.6.7). */
function centuryOf(digits: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear()
  const year = thisYear - (thisYear % 100) + digits
  return year > thisYear + 50 ? year - 100 : year
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
 * The outcome of an error that was thrown while sending. Errors that node wraps (`cause`, an AggregateError of several
 * addresses) are told by the first one inside that has a known code.
 */
export function classifyError(error: unknown): Outcome {
  for (const inner of unwrap(error)) {
    const code = codeOf(inner)
    const kind = kindOfCode[code] ?? kindOfPrefix(code)
    if (kind) return { kind, reason: code }
  }
  // An unknown code is no evidence against the destination.
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
