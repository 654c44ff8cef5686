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
  /** As the HTTP parser's own: an answer that is not HTTP, or more interim answers than anyone sends. */
  | 'HPE_INVALID_RESPONSE'
  | 'HPE_TOO_MANY_INTERIM'
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
