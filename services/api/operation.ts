import type { Organization } from '@fairlead/wire/store/organization'
import type { StoreClient } from '@fairlead/wire/store-client'
import type { z } from 'zod'
import type { Access, Caller } from './authenticate.ts'
import type { ProblemCode } from './problem.ts'

/**
 * One call of the API, said once: its route, the check of what it is sent, the entry in the audit log and its page
 * in `/openapi.json` all come from this.
 */
export interface Operation {
  readonly method: 'get' | 'post' | 'delete'
  /** As OpenAPI writes it. With `{slug}` in it, the organization is resolved before the handler is called. */
  readonly path: string
  /** OpenAPI's operationId, and the label in metrics and logs. */
  readonly name: string
  readonly tag: Tag
  readonly summary: string
  readonly description?: string
  readonly access: Access
  readonly params: z.ZodObject
  readonly query: z.ZodObject
  /** Absent: the operation takes no body. */
  readonly body?: z.ZodType
  /** True: a repeated request with the same Idempotency-Key gets the first one's answer. */
  readonly repeatable?: boolean
  readonly status: 200 | 201 | 202 | 204
  readonly answerDescription: string
  /** What it answers; absent with 204. */
  readonly answer?: z.ZodType
  /** Problems of its own, beside those that every operation can end in. */
  readonly problems: readonly ProblemCode[]
  /**
   * What the audit log says once it has succeeded; undefined if nothing was changed after all. Everything that is not a
   * `get` must have one.
   */
  readonly audit?: (call: Call, answer: unknown) => AuditEntry | undefined
  readonly handle: (call: Call) => Promise<unknown>
}

export type Tag =
  | 'Organizations'
  | 'Events'
  | 'Deliveries'
  | 'Dead letters'
  | 'Replays'
  | 'Rejections'
  | 'Settings'
  | 'API keys'
  | 'Audit log'

/** `details` are facts without secrets; who, when and where from are added to it. */
export interface AuditEntry {
  readonly action:
    | 'event.retried'
    | 'dead_letter.retried'
    | 'dead_letter.discarded'
    | 'dead_letter.replayed'
    | 'dead_letter.all_discarded'
    | 'delivery.retimed'
    | 'delivery.cancelled'
    | 'replay.created'
    | 'replay.paused'
    | 'replay.resumed'
    | 'replay.cancelled'
    | 'destination.paused'
    | 'destination.resumed'
    | 'offered_secret.taken'
    | 'api_key.created'
    | 'api_key.revoked'
  /** The id of what it was done to. */
  readonly subjectId: string
  readonly details?: Readonly<Record<string, string | number | readonly string[]>>
}

/** What a handler is given: everything parsed, the organization found and the caller's to see. */
export interface Call<Params = unknown, Query = unknown, Body = unknown> {
  readonly store: StoreClient
  readonly caller: Caller
  /** Throws on operations without `{slug}` in their path: a fault of ours. */
  readonly organization: Organization
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** Scheme, host and port as providers see them; undefined where nobody said. */
  readonly publicUrl: string | undefined
  /** Ends when the client goes away. */
  readonly signal: AbortSignal
}

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined
type Answered<Schema> = Schema extends z.ZodType ? z.input<Schema> : undefined

/** Declares an operation; the types of its handler follow from its schemas. */
export function operation<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType | undefined = undefined,
  Answer extends z.ZodType | undefined = undefined,
>(
  declared: Omit<Operation, 'params' | 'query' | 'body' | 'answer' | 'audit' | 'handle'> & {
    readonly params: Params
    readonly query: Query
    readonly body?: Body
    readonly answer?: Answer
    readonly audit?: (
      call: Call<z.output<Params>, z.output<Query>, Parsed<Body>>,
      answer: Answered<Answer>,
    ) => AuditEntry | undefined
    readonly handle: (
      call: Call<z.output<Params>, z.output<Query>, Parsed<Body>>,
    ) => Promise<Answered<Answer>>
  },
): Operation {
  if (declared.method !== 'get' && !declared.audit) {
    throw new TypeError(`${declared.name} changes something, so it must say what the audit log is told`)
  }
  return declared as unknown as Operation
}
