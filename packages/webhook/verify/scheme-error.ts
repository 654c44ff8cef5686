/** Every way in which a source's configuration can be wrong; stable, for a condition's reason or an API's `code`. */
export type SchemeErrorCode =
  | 'unknown_provider'
  | 'secret_missing'
  | 'secret_undecodable'
  | 'option_missing'
  | 'option_invalid'
  | 'scheme_missing'
  | 'scheme_invalid'
  | 'unsigned_not_accepted'
  | 'cannot_sign'

/** A source is configured so that its requests can't be verified. The message is a sentence for whoever wrote it. */
export class SchemeError extends Error {
  override readonly name = 'SchemeError'
  readonly code: SchemeErrorCode
  readonly provider: string

  constructor(code: SchemeErrorCode, provider: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.provider = provider
  }
}
