/** What can keep Fairlead from starting on one machine. The word stays the same; the sentence may change. */
export type StartErrorCode =
  | 'server_missing'
  | 'server_failed'
  | 'service_failed'
  | 'port_taken'
  | 'disk_full'
  | 'home_locked'
  | 'home_unusable'
  | 'data_too_new_or_old'
  | 'data_in_use'
  | 'organizations_invalid'

/** A start that can't go on. The message is one line for a person: what is wrong, and what to do about it. */
export class StartError extends Error {
  readonly code: StartErrorCode

  constructor(code: StartErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StartError'
    this.code = code
  }
}
