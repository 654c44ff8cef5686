import type { MessageInitShape } from '@bufbuild/protobuf'
import type { CallOptions } from '@connectrpc/connect'
import type { ChangeSchema, PreconditionSchema } from '@fairlead/wire/store/change'
import type { Organization } from '@fairlead/wire/store/organization'
import type { StoreClient } from '@fairlead/wire/store-client'
import type { z } from 'zod'
import type { SignIn } from './auth/sign-in.ts'
import type { Caller } from './caller.ts'
import type { Deprecation } from './deprecation.ts'
import type { DryRun } from './dry-run.ts'
import type { ProblemCode } from './problem.ts'
import type { Right } from './rights.ts'
import type { Role } from './role.ts'
import type { OpenStream } from './stream.ts'
import type { StripeOauth } from './stripe-connect/oauth.ts'

/**
 * One call of the API, said once: its route, the check of what it is sent and its page in `/openapi.json` all come from
 * this.
 */
export interface Operation {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** As OpenAPI writes it. With `{slug}` in it, the organization is resolved before the handler is called. */
  readonly path: string
  /** OpenAPI's operationId, and the label in metrics and logs. */
  readonly name: string
  readonly tag: Tag
  readonly summary: string
  readonly description?: string
  /** What the caller must have: in the organization of its path, or on the platform. */
  readonly access: Right
  readonly params: z.ZodObject
  readonly query: z.ZodObject
  /** Absent: the operation takes no body. */
  readonly body?: z.ZodType
  readonly status: 200 | 201 | 202 | 204
  readonly answerDescription: string
  /** What it answers; absent with 204. */
  readonly answer?: z.ZodType
  /** It answers a stream of one of these media types, and no JSON: `handle` gives a `Streamed`. */
  readonly streams?: readonly string[]
  /**
   * Of a setting: its answer carries an `ETag`, and what changes or deletes it needs `If-Match`. With it goes
   * `dryRun` in the query of what changes something (`dry-run.ts`).
   */
  readonly versioned?: true
  /** Its path names no organization: it is about the one that the caller's key belongs to. */
  readonly ofOwnOrganization?: true
  /**
   * It deletes its organization. A request with an Idempotency-Key is then performed also where the slug is nobody's: it may be a
   * repeat, whose answer the store has kept.
   */
  readonly endsOrganization?: true
  /**
   * It changes something that is not the store's, such as a session: no answer is kept, so no Idempotency-Key is offered. A repeat
   * is carried out anew.
   */
  readonly keepsNoAnswer?: true
  /** It changes nothing although it is no GET: no entry in the audit log, no Idempotency-Key. */
  readonly changesNothing?: true
  /**
   * Whoever asks is answered: no credential is read, no cookie either, and `handle` is given an `OpenCall`. Its `access` says nothing.
   * Declared by `openOperation`.
   */
  readonly open?: true
  /** It is served only where this is switched on; elsewhere its path is as any that nobody declared. */
  readonly partOf?: Feature
  /** It will go away: each answer says so in its headers, and so does the documentation. Default: it stays. */
  readonly deprecated?: Deprecation
  /** The largest body that it takes, in bytes. Default: 65,536. */
  readonly maxBodyBytes?: number
  /** Problems of its own, beside those that every operation can end in. */
  readonly problems: readonly ProblemCode[]
  readonly handle: (call: Call) => Promise<unknown>
}

/** What an installation may have or not: see `isServed` in `app.ts`. */
export type Feature = 'tenant-accounts' | 'stripe-connect'

export type Tag =
  | 'Organizations'
  | 'Events'
  | 'Deliveries'
  | 'Dead letters'
  | 'Replays'
  | 'Retries'
  | 'Issues'
  | 'Analytics'
  | 'Billing'
  | 'Rejections'
  | 'Settings'
  | 'API keys'
  | 'Members'
  | 'People'
  | 'Tenant accounts'
  | 'Audit log'
  | 'Platform'

/** What a handler is given: everything parsed, the organization found and the caller's to see. */
export interface Call<Params = unknown, Query = unknown, Body = unknown> {
  readonly store: StoreClient
  readonly caller: Caller
  /** Absent: nobody signs in here. */
  readonly signIn: SignIn | undefined
  /** Throws on operations without `{slug}` in their path: a fault of ours. */
  readonly organization: Organization
  /** Undefined where there is none, with operations that end it. */
  readonly organizationIfThere: Organization | undefined
  /** The caller's role in it; throws like `organization`. */
  readonly role: Role
  /**
   * Asks again whether the caller may still do this, for answers that last: at least every 15 s, so that a revoked key, an ended
   * session or a removed member loses a stream in time. Rejects with an ApiError once not.
   */
  readonly reauthorize: () => Promise<void>
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** Scheme, host and port as providers see them; undefined where nobody said. */
  readonly publicUrl: string | undefined
  /** Stripe's OAuth; undefined: Stripe Connect is not configured. */
  readonly stripeConnect: StripeOauth | undefined
  /** Where the simulator's webhooks are sent; undefined: there is none. */
  readonly simulatorReceiverUrl: string | undefined
  /**
   * Ends when the client goes away. Of an operation that changes something it never ends: once begun, that is carried
   * out, and its answer kept for a repeat with the same Idempotency-Key.
   */
  readonly signal: AbortSignal
  /** In which state the setting must be that a write is about, by `If-Match` and `If-None-Match`. */
  readonly precondition: MessageInitShape<typeof PreconditionSchema>
  /** Goes with the one call of the store that changes something: whom the audit log names. */
  readonly change: MessageInitShape<typeof ChangeSchema>
  /** Options of that call. */
  readonly write: CallOptions
  /** Whether the store answered that call as a repeat, with the answer of the first. Known once it has answered. */
  readonly wasRepeat: () => boolean
  /** Binds a cursor of the store to this operation and its filters, where it doesn't stand in the answer's `next`. */
  readonly bindCursor: (cursor: string) => string
  /** Of a client that goes on with a stream of events. */
  readonly lastEventId: string | undefined
  /** Takes one of the streams that an organization may have open. Throws an ApiError `rate_limited`. */
  readonly takeStream: () => OpenStream
  /** The same of exports. */
  readonly takeExport: () => Disposable
  /** Waits for the turn to read bodies of events or refusals; disposing ends it. Rejects with an ApiError `rate_limited` or `unavailable`. */
  readonly takeBodies: () => Promise<Disposable>
  /** Waits for the turn to explain a refusal; disposing ends it. Undefined: the turn didn't come in time. */
  readonly takeExplanation: () => Promise<Disposable | undefined>
}

/** What the handler of an open operation is given. */
export interface OpenCall<Query = unknown, Body = unknown>
  extends Pick<Call<unknown, Query, Body>, 'store' | 'signIn' | 'query' | 'body'> {
  /** Where it was asked: an address or a network, and the program as it names itself. */
  readonly from: { readonly peer: string; readonly agent: string; readonly requestId: string }
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
  declared: Omit<Operation, 'params' | 'query' | 'body' | 'answer' | 'handle'> & {
    readonly params: Params
    readonly query: Query
    readonly body?: Body
    readonly answer?: Answer
    readonly handle: (
      call: Call<z.output<Params>, z.output<Query>, Parsed<Body>>,
    ) => Promise<Answered<Answer> | DryRun>
  },
): Operation {
  return declared as unknown as Operation
}

/** Declares an operation that whoever asks is answered by. */
export function openOperation<Query extends z.ZodObject, Body extends z.ZodType, Answer extends z.ZodType>(
  declared: Omit<Operation, 'params' | 'query' | 'body' | 'answer' | 'handle' | 'access' | 'open'> & {
    readonly params: z.ZodObject
    readonly query: Query
    readonly body: Body
    readonly answer: Answer
    readonly handle: (call: OpenCall<z.output<Query>, z.output<Body>>) => Promise<Answered<Answer>>
  },
): Operation {
  return { ...declared, access: 'read', open: true } as unknown as Operation
}

/** Whether an operation changes something: then it takes an Idempotency-Key, and stands in the audit log. */
export const isWrite = ({ method, changesNothing }: Pick<Operation, 'method' | 'changesNothing'>): boolean =>
  method !== 'get' && !changesNothing

/** Whether a repeat with the same Idempotency-Key gets the first answer. */
export const keepsAnswer = (
  operation: Pick<Operation, 'method' | 'changesNothing' | 'keepsNoAnswer'>,
): boolean => isWrite(operation) && !operation.keepsNoAnswer

/** Whether an operation changes or deletes a setting that is there, or may be: then it needs `If-Match`. */
export const needsMatch = ({ method, versioned }: Pick<Operation, 'method' | 'versioned'>): boolean =>
  versioned === true && (method === 'put' || method === 'patch' || method === 'delete')
