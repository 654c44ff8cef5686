import { z } from 'zod'
import { idSchema } from './id-schema.ts'
import { modes } from './mode.ts'
import { WireError } from './wire-error.ts'

/**
 * The configuration of one organization for receivers and workers: the value of its key (the organization's id) in the
 * key-value bucket `config`. The store alone writes it; secrets in it are sealed (`seal.ts`).
 */

/** A secret under AES-256-GCM, as `seal()` writes it. */
const sealed = z.string()

const rateLimit = z.object({ perSecond: z.number().positive(), burst: z.number().int().positive() })

const source = z.object({
  id: idSchema('src'),
  /** As in the URL: lower-case letters, digits and dashes. */
  name: z.string(),
  provider: z.string(),
  /** Only with the provider `custom`. */
  scheme: z.unknown().optional(),
  options: z.record(z.string(), z.unknown()).default({}),
  /** All are live. `id` names a secret without telling it (`acme-stripe/signing-secret`). */
  secrets: z.array(z.object({ id: z.string(), sealed })),
  toleranceSeconds: z.number().int().nonnegative().optional(),
  rateLimit: rateLimit.optional(),
  /** False: every request is an event of its own, repeats too. */
  deduplicate: z.boolean().default(true),
  /** The trace that a request's `traceparent` names is linked to. */
  trustTraceparent: z.boolean().optional(),
  /** Of the events that it receives from now on. Absent: live. */
  mode: z.enum(modes).optional(),
  /** The provider's own account, where the ledger is to tell it apart from others. */
  account: z.string().optional(),
  /** What its events are found by. */
  search: z.object({ pointers: z.array(z.string()), headers: z.array(z.string()) }).optional(),
})

const destination = z.object({
  id: idSchema('dst'),
  name: z.string(),
  /**
   * - `http`: a POST to `url`
   * - `nats`: a message of the stream OUTBOUND with the subject `outbound.<organization's slug>.<destination's name>`,
   *   for teams that consume with workers of their own
   * - `processor`: a built-in processor of the worker, by name
   */
  kind: z.enum(['http', 'nats', 'processor']).default('http'),
  /** Of the kind `http`. */
  url: z.string().default(''),
  /** Of the kind `processor`. */
  processor: z.string().default(''),
  /** From the request's start to the response's end. */
  timeoutSeconds: z.number().positive(),
  /** Requests to this destination at one time. Absent: between 10 and 64, by how fast it answers. */
  concurrency: z.number().int().positive().optional(),
  rateLimit: rateLimit.optional(),
  /** Waits between attempts; the first attempt is made at once. None: one attempt only. */
  retryDelaysSeconds: z.array(z.number().nonnegative()),
  /** A paused destination gets nothing; its deliveries wait. */
  paused: z.boolean().default(false),
  /** Extra request headers, values sealed. */
  headers: z.array(z.object({ name: z.string(), sealed })).default([]),
  /** The JSON of `destination-auth.ts`, sealed as a whole. */
  auth: sealed.optional(),
  /** It also gets the credential by which a source is verified (a shared token, Basic credentials). */
  forwardCredentials: z.boolean().optional(),
  /** `none`: it is not told of our trace. Absent: deliveries carry `traceparent`. */
  traceContext: z.literal('none').optional(),
})

const order = z.object({
  /** Where the key is: a JSON pointer into the body (RFC 6901) or the name of a request header. No key: no order. */
  key: z.discriminatedUnion('from', [
    z.object({ from: z.literal('body'), pointer: z.string() }),
    z.object({ from: z.literal('header'), name: z.string() }),
  ]),
  /** A delivery that has waited this long for the delivery before it is made all the same. */
  maxWaitSeconds: z.number().int().positive().max(86_400),
})

const route = z.object({
  id: idSchema('rte'),
  /** Source names, globs allowed. */
  source: z.string(),
  /** Globs; an event matches if any does. */
  eventTypes: z.array(z.string()),
  /** Names of destinations. */
  destinations: z.array(z.string()),
  /** Deliveries with the same key go one after the other, each when the one before has ended. */
  order: order.optional(),
})

const schema = z.object({
  id: idSchema('org'),
  slug: z.string(),
  active: z.boolean(),
  /** Its share, under load, of resources that organizations share: a weight, 1 to 100. */
  weight: z.number().int().min(1).max(100).default(1),
  /** For all sources together. */
  rateLimit: rateLimit.optional(),
  /** True once the month's limit of accepted events is used up. */
  quotaExceeded: z.boolean().default(false),
  /** Sign what is delivered; the first signs; the others also sign while they are being rotated out. Text `whsec_…`. */
  signingSecrets: z.array(z.object({ id: z.string(), sealed })),
  sources: z.array(source),
  destinations: z.array(destination),
  routes: z.array(route),
  /** Events of its payment providers also go to the built-in processor `ledger`. */
  ledger: z.literal(true).optional(),
  /** Keys by which the ledger fetches what events of a source leave out. Absent: it fetches nothing. */
  hydrate: z.array(z.object({ source: z.string(), sealed })).optional(),
})

export type OrganizationConfig = z.infer<typeof schema>
export type SourceConfig = z.infer<typeof source>
export type DestinationConfig = z.infer<typeof destination>
export type OrderConfig = z.infer<typeof order>

export function encodeConfig(config: OrganizationConfig): string {
  return JSON.stringify(config)
}

/** Throws a WireError `config_unreadable` that names the field. */
export function decodeConfig(value: Uint8Array): OrganizationConfig {
  try {
    return schema.parse(JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString()))
  } catch (cause) {
    const where =
      cause instanceof z.ZodError ? `: ${cause.issues[0]?.path.join('.')} ${cause.issues[0]?.message}` : ''
    throw new WireError('config_unreadable', `an organization's configuration can't be read${where}`, {
      cause,
    })
  }
}
