/**
 * What the egress itself refuses or gives up. The codes are words of `classifyError`; the message is a sentence for the
 * people whose destination it is, so it tells no address that a private name resolves to, and no secret.
 */
export type EgressErrorCode =
  | 'ERR_INVALID_URL'
  | 'FAIRLEAD_PORT_BLOCKED'
  | 'FAIRLEAD_ADDRESS_BLOCKED'
  | 'FAIRLEAD_RESPONSE_TIMEOUT'
  /** As node's own for a connection that took too long. */
  | 'ETIMEDOUT'
  /** The name does not exist, or has no address. */
  | 'ENOTFOUND'
  /** The name could not be looked up now: as getaddrinfo says it. */
  | 'EAI_AGAIN'
  /** The peer closed the connection, or it was lost: as node's own. */
  | 'ECONNRESET'
  /** What came is no answer of HTTP/1.1, or its end can't be told for sure. */
  | 'FAIRLEAD_NOT_HTTP'
  | 'FAIRLEAD_RESPONSE_TOO_LARGE'
  /** The worker has as many connections as it may have. */
  | 'FAIRLEAD_NO_CONNECTION'
  /** The sender was disposed of. */
  | 'FAIRLEAD_STOPPED'
  /** A client certificate or key that can't be read. */
  | 'FAIRLEAD_CLIENT_CERTIFICATE'

export class EgressError extends Error {
  readonly code: EgressErrorCode

  constructor(code: EgressErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'EgressError'
    this.code = code
  }
}
