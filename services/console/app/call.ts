import type { Problem } from '@fairlead/client/gen/client'

/** What the API refused, with all that a person needs to put it right or to ask about it. */
export class ProblemError extends Error {
  readonly problem: Problem
  /** As support finds it in the log. */
  readonly requestId: string | undefined

  constructor(problem: Problem, requestId: string | undefined) {
    super(problem.detail)
    this.problem = problem
    this.requestId = requestId
  }
}

interface Answer {
  readonly data: unknown
  readonly status: number
  readonly headers: Headers
}

type Succeeded<Kind extends Answer> = Extract<Kind, { status: 200 | 201 | 202 | 204 }>['data']

/**
 * The data of an answer that succeeded.
 * @throws {ProblemError} with the API's problem document
 * @throws {TransportError} where nobody or somebody else answered
 */
export async function take<Kind extends Answer>(pending: Promise<Kind>): Promise<Succeeded<Kind>> {
  const { data, status, headers } = await pending
  if (status < 300) return data as Succeeded<Kind>
  throw new ProblemError(data as Problem, headers.get('x-request-id') ?? undefined)
}

/** Whether asking again may help: never for what the API refused on purpose. */
export function mayHelpToRepeat(error: Error): boolean {
  return error instanceof ProblemError ? error.problem.status >= 503 : error.name !== 'AbortError'
}

/** The header of a write that takes effect once, however often it is sent. */
export const once = () => ({ 'Idempotency-Key': crypto.randomUUID() })
