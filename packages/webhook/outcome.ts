/**
 * How an attempt ended: a word of a closed list, the same in log, metric and API.
 */
export const failures = {
  // The destination answered.
  redirected: 'answered 3xx; redirects are not followed',
  refused_by_destination: 'answered 4xx',
  gone: 'answered 410: it wants no more',
  throttled: 'answered 429, or 503 with Retry-After',
  destination_failed: 'answered 5xx',
  response_too_large: 'answered more than is read of a response',
  // The destination did not answer.
  dns_failed: 'its name did not resolve',
  address_blocked: 'its address is private, or otherwise not allowed',
  port_blocked: 'its port is not allowed',
  connection_refused: 'nothing listens there',
  network_unreachable: 'no route to its address',
  connection_reset: 'the connection was cut',
  connect_timeout: 'no connection in time',
  response_timeout: 'no complete answer in time',
  tls_expired: 'its certificate has expired or is not yet valid',
  tls_name_mismatch: 'its certificate is for another name',
  tls_untrusted: 'its certificate is not signed by a known authority',
  tls_failed: 'TLS could not be agreed on',
  client_certificate_invalid: 'its client certificate or key can not be read',
  client_certificate_refused: 'it refused the client certificate, or wants one',
  protocol_error: 'what it answered is not HTTP',
  authorization_failed: 'no access token could be had for it',
  // The destination is a stream or a built-in processor.
  publish_failed: 'the stream did not take it',
  processor_failed: 'the built-in processor failed',
  // Nothing could be sent: no usable URL, no body, no destination, or a fault of the worker.
  url_invalid: 'its URL can not be used',
  event_expired: "the event's body is no longer kept",
  destination_deleted: 'the destination is no longer configured',
  worker_failed: 'the worker could not send it: it lacked a socket or memory, stopped, or has a fault',
} as const

export type FailureKind = keyof typeof failures

export type Outcome =
  | { readonly kind: 'delivered'; readonly status: number }
  | {
      readonly kind: FailureKind
      readonly status?: number
      /** A sentence for people, without secrets or addresses of ours. */
      readonly reason?: string
      /** The wait that the destination asked for in Retry-After, in milliseconds from the answer. */
      readonly retryAfterMs?: number
    }

/**
 * Failures that another attempt would end in the same way: the delivery is dead at once. Not the same as the blame
 * `own`: a client certificate that can't be read may be replaced before the next attempt.
 */
export function isOwnFault(
  kind: FailureKind,
): kind is 'event_expired' | 'url_invalid' | 'destination_deleted' {
  return kind === 'event_expired' || kind === 'url_invalid' || kind === 'destination_deleted'
}

/**
 * Which party an outcome counts against:
 *
 * - `destination`: it answered something other than 2xx, hung up, or let its time pass. Its host (scheme, host, port)
 *   was reached, so the host is well.
 * - `host`: no connection that can be trusted came about, for any tenant's request to this scheme, host and port.
 * - `own`: this tenant's settings (URL, client certificate, credentials) or Fairlead itself. It says nothing about the
 *   host, and must not count for anyone else's destination there.
 * - `none`: delivered, or nothing was tried.
 */
export type Blame = 'destination' | 'host' | 'own' | 'none'

const blameOf = {
  redirected: 'destination',
  refused_by_destination: 'destination',
  gone: 'destination',
  throttled: 'destination',
  destination_failed: 'destination',
  response_too_large: 'destination',
  connection_reset: 'destination',
  response_timeout: 'destination',
  protocol_error: 'destination',
  dns_failed: 'host',
  connection_refused: 'host',
  network_unreachable: 'host',
  connect_timeout: 'host',
  tls_expired: 'host',
  tls_name_mismatch: 'host',
  tls_untrusted: 'host',
  tls_failed: 'host',
  // Refused by Fairlead's own rules: nothing was dialled.
  address_blocked: 'own',
  port_blocked: 'own',
  url_invalid: 'own',
  client_certificate_invalid: 'own',
  client_certificate_refused: 'own',
  authorization_failed: 'own',
  publish_failed: 'own',
  processor_failed: 'own',
  worker_failed: 'own',
  event_expired: 'none',
  destination_deleted: 'none',
} as const satisfies Record<FailureKind, Blame>

/** Pure. For breakers: which of them an attempt's outcome counts for. */
export function blames(outcome: Outcome): Blame {
  return outcome.kind === 'delivered' ? 'none' : blameOf[outcome.kind]
}
