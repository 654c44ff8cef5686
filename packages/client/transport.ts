/** What a call may be given beside its own arguments. */
export interface TransportOptions extends RequestInit {
  /** Scheme, host and port of the API, without a slash at the end; without it addresses are the page's own. */
  readonly baseUrl?: string
}

/**
 * The one way from the generated calls to the network. Resolves with a declared answer or a problem document; throws a
 * {@link TransportError} for anything else, such as a proxy's page of HTML.
 * @throws {TransportError}
 */
export async function transport<Answer>(url: string, options: TransportOptions = {}): Promise<Answer> {
  const { baseUrl = '', ...init } = options
  const response = await fetch(`${baseUrl}${url}`, init).catch((cause: unknown) => {
    if (init.signal?.aborted) throw cause
    throw new TransportError('unreachable', undefined, { cause })
  })
  const { status, headers } = response
  const text = status === 204 ? '' : await response.text()
  if (status === 204) return { data: undefined, status, headers } as Answer
  if (!/^application\/(problem\+)?json\b/.test(headers.get('content-type') ?? ''))
    throw new TransportError('not_json', status)
  try {
    return { data: JSON.parse(text), status, headers } as Answer
  } catch (cause) {
    throw new TransportError('not_json', status, { cause })
  }
}

/** The API was not reached, or something between answered in its place. */
export class TransportError extends Error {
  readonly code: 'unreachable' | 'not_json'
  /** The HTTP status, where there was an answer. */
  readonly status: number | undefined

  constructor(code: TransportError['code'], status?: number, options?: ErrorOptions) {
    super(
      code === 'unreachable'
        ? 'the API could not be reached'
        : `the answer (${status}) is not the API's: it isn't JSON`,
      options,
    )
    this.code = code
    this.status = status
  }
}
