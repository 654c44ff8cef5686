/**
 * How one attempt ended: one word of a closed list, the same in log, metric, API and console.
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
  protocol_error: 'what it answered is not HTTP',
  authorization_failed: 'no access token could be had for it',
  // It is not an address.
  publish_failed: 'the stream did not take it',
  processor_failed: 'the built-in processor failed',
  // There was nothing to send, or nowhere to.
  url_invalid: 'its URL can not be used',
  event_expired: "the event's body is no longer kept",
  destination_deleted: 'the destination is no longer configured',
} as const

export type FailureKind = keyof typeof failures

export type Outcome =
  | { readonly kind: 'delivered'; readonly status: number }
  | {
      readonly kind: FailureKind
      readonly status?: number
      /** A sentence for people, without secrets or addresses of ours. */
      readonly reason?: string
      /** What the destination asked for in Retry-After, in milliseconds from the answer. */
      readonly retryAfterMs?: number
    }

/** Failures that say nothing about the destination's health: another attempt would end in the same way. */
export function isOwnFault(
  kind: FailureKind,
): kind is 'event_expired' | 'url_invalid' | 'destination_deleted' {
  return kind === 'event_expired' || kind === 'url_invalid' || kind === 'destination_deleted'
}
