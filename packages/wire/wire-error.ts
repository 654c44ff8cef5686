/** What can be wrong with something that came over the wire, or with what opens it. */
export type WireErrorCode =
  | 'event_unreadable'
  | 'delivery_unreadable'
  | 'attempts_unreadable'
  | 'dead_unreadable'
  | 'rejection_unreadable'
  | 'config_unreadable'
  | 'seal_unreadable'
  | 'seal_key_unknown'
  | 'seal_keys_invalid'

export class WireError extends Error {
  readonly code: WireErrorCode

  constructor(code: WireErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'WireError'
    this.code = code
  }
}
