/** Thrown for a message that can't be read, or a seal or key that can't open one. */
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
