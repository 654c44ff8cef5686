import { retryPresets } from '@fairlead/webhook/settle'
import type { OrderConfig } from '@fairlead/wire/config'
import { decodeDestinationAuth } from '@fairlead/wire/destination-auth'
import { modes } from '@fairlead/wire/mode'
import { mostSearched } from '@fairlead/wire/search'
import { secretHeader } from '@fairlead/wire/secret-headers'
import { MemberRole } from '@fairlead/wire/store/member'
import type { ApplyOrganizationRequest, Owner } from '@fairlead/wire/store/organization'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { z } from 'zod'
import { parseRequest } from '../parse-request.ts'
import { StoreError } from '../store-error.ts'
import type { OwnerKind as OwnerWord, Role } from './rows.ts'

/**
 * An ApplyOrganization request, checked, with defaults, in the form of the rows. Messages of zod reach the caller; values
 * don't, because some are secret.
 */

const defaultRetryDelaysSeconds = retryPresets.default.map(ms => ms / 1000)
const defaultRetentionDays = 7

export const name = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, '1 to 63 lower-case letters, digits and dashes')

const rateLimit = z
  .object({ perSecond: z.number().positive('must be above 0'), burst: z.number().int().nonnegative() })
  .optional()
  .transform(limit => ({
    rate_limit_per_second: limit?.perSecond ?? null,
    rate_limit_burst: limit ? limit.burst || Math.max(1, Math.ceil(2 * limit.perSecond)) : null,
  }))

const plainSecrets = z
  .array(
    z.object({
      id: z.string().min(1, 'is missing').max(253),
      value: z
        .string()
        .min(1, 'is empty')
        .max(64 * 1024),
    }),
  )
  .superRefine(uniqueBy('id'))

const json = z.record(z.string(), z.unknown()).refine(isStorable, 'has U+0000 or half a character')

/** Postgres keeps no U+0000 in JSON, nor halves of characters. */
function isStorable(value: unknown): boolean {
  let sound = true
  const check = (text: unknown) => {
    if (typeof text === 'string' && (text.includes('\0') || !text.isWellFormed())) sound = false
  }
  JSON.stringify(value, (name, inner) => {
    check(name)
    check(inner)
    return inner
  })
  return sound
}

/** None is as if it were absent. */
const search = z
  .object({
    pointers: z
      .array(
        z
          .string()
          .max(256)
          .regex(/^(\/[^\s/=]+)+$/, 'must be a JSON pointer without ='),
      )
      .max(mostSearched),
    headers: z
      .array(
        z
          .string()
          .regex(/^[\x21-\x7e]{1,100}$/, 'must be the name of a header')
          .toLowerCase()
          .refine(name => !secretHeader.test(name), 'holds a secret'),
      )
      .max(mostSearched),
  })
  .transform(({ pointers, headers }) => (pointers.length + headers.length > 0 ? { pointers, headers } : null))

export const source = z
  .object({
    name,
    settings: z.object(
      {
        provider: z.string().min(1, 'is missing').max(100),
        scheme: json.optional(),
        options: json.optional(),
        toleranceSeconds: z.number().int().optional(),
        rateLimit,
        deduplicate: z.boolean().optional(),
        trustTraceparent: z.boolean(),
        active: z.boolean().optional(),
        mode: z
          .string()
          .optional()
          .transform(text => text || 'live')
          .pipe(z.enum(modes, 'must be live or test')),
        account: z.string().max(255).optional(),
        search: search.optional(),
      },
      'is missing',
    ),
    secrets: plainSecrets,
  })
  .transform(({ name, settings, secrets }) => ({
    row: {
      name,
      provider: settings.provider,
      scheme: settings.scheme ?? null,
      options: settings.options ?? {},
      tolerance_seconds: settings.toleranceSeconds ?? null,
      ...settings.rateLimit,
      deduplicate: settings.deduplicate ?? true,
      trust_traceparent: settings.trustTraceparent,
      active: settings.active ?? true,
      mode: settings.mode,
      account: settings.account ?? '',
      search: settings.search ?? null,
    },
    secrets,
  }))

/** JSON, checked here so that workers can read it. The message doesn't repeat it, because it is secret. */
const auth = z
  .string()
  .max(256 * 1024)
  .refine(text => text === '' || canDecode(text), 'is not what packages/wire/destination-auth.ts describes')

function canDecode(text: string): boolean {
  try {
    decodeDestinationAuth(text)
    return true
  } catch {
    return false
  }
}

export const destination = z
  .object({
    name,
    settings: z.object(
      {
        url: z
          .url({ protocol: /^https?$/, error: 'must be an absolute http or https URL' })
          .max(2048)
          .or(z.literal('')),
        nats: z.boolean(),
        processor: z.string().max(63),
        timeoutSeconds: z.number().nonnegative().max(300),
        concurrency: z.number().int().nonnegative().max(1000),
        rateLimit,
        retry: z.object({ delaysSeconds: z.array(z.number().nonnegative().max(604_800)).max(30) }).optional(),
        paused: z.boolean(),
        forwardCredentials: z.boolean(),
        traceContext: z.enum(['w3c', 'none', '']),
        active: z.boolean().optional(),
      },
      'is missing',
    ),
    headers: plainSecrets,
    auth,
  })
  .refine(
    ({ settings: { url, nats, processor } }) =>
      [url !== '', nats, processor !== ''].filter(Boolean).length === 1,
    {
      path: ['settings'],
      message: 'needs one of url, nats and processor',
    },
  )
  .transform(({ name, settings, headers, auth }) => ({
    auth,
    row: {
      name,
      kind: settings.nats ? 'nats' : settings.processor ? 'processor' : 'http',
      url: settings.url,
      processor: settings.processor,
      timeout_seconds: settings.timeoutSeconds || 15,
      concurrency: settings.concurrency || null,
      ...settings.rateLimit,
      retry_delays_seconds: settings.retry?.delaysSeconds ?? defaultRetryDelaysSeconds,
      paused: settings.paused,
      forward_credentials: settings.forwardCredentials,
      trace_context: settings.traceContext || 'w3c',
      active: settings.active ?? true,
    },
    headers,
  }))

const order = z
  .object({
    key: z.discriminatedUnion('case', [
      z.object({ case: z.literal('pointer'), value: z.string().regex(/^\//, 'begins with /').max(256) }),
      z.object({ case: z.literal('header'), value: z.string().min(1).max(128) }),
    ]),
    maxWaitSeconds: z.number().int().max(86_400),
  })
  .transform(
    ({ key, maxWaitSeconds }): OrderConfig => ({
      key:
        key.case === 'pointer'
          ? { from: 'body', pointer: key.value }
          : { from: 'header', name: key.value.toLowerCase() },
      maxWaitSeconds: maxWaitSeconds || 300,
    }),
  )

export const route = z
  .object({
    settings: z.object(
      {
        source: z.string().min(1, 'is missing').max(63),
        eventTypes: z.array(z.string().min(1).max(256)),
        destinations: z.array(name).min(1, 'needs one or more'),
        order: order.optional(),
      },
      'is missing',
    ),
  })
  .transform(({ settings }) => ({
    source: settings.source,
    event_types: settings.eventTypes.length > 0 ? [...new Set(settings.eventTypes)] : ['*'],
    destinations: [...new Set(settings.destinations)],
    order_by: settings.order ?? null,
  }))

const roles: Record<MemberRole, Role | undefined> = {
  [MemberRole.UNSPECIFIED]: undefined,
  [MemberRole.OWNER]: 'owner',
  [MemberRole.ADMIN]: 'admin',
  [MemberRole.DEVELOPER]: 'developer',
  [MemberRole.VIEWER]: 'viewer',
}

/** A role in the rows' words. */
export const role = z.custom<MemberRole>().transform((value, context) => {
  const word = roles[value]
  if (word) return word
  context.addIssue({ code: 'custom', message: 'is missing' })
  return z.NEVER
})

/** A role in the rows' words; a missing one is developer's. */
export const roleOrDeveloper = z.custom<MemberRole>().transform(value => roles[value] ?? 'developer')

const retentionDays = z
  .number()
  .int()
  .max(3650)
  .transform(days => days || defaultRetentionDays)

const ownerKinds: Record<OwnerKind, OwnerWord | undefined> = {
  [OwnerKind.UNSPECIFIED]: undefined,
  [OwnerKind.KUBERNETES]: 'kubernetes',
  [OwnerKind.FILE]: 'file',
  [OwnerKind.API]: 'api',
}
export const ownerKindWord = (kind: OwnerKind): OwnerWord | undefined => ownerKinds[kind]

const owner = z
  .object({ kind: z.custom<OwnerKind>(), reference: z.string().max(512) }, 'is missing')
  .transform(({ kind, reference }, context) => {
    const word = ownerKinds[kind]
    if (word) return { owner_kind: word, owner_reference: reference }
    context.addIssue({ code: 'custom', path: ['kind'], message: 'is missing' })
    return z.NEVER
  })

const weight = z
  .number()
  .max(100, 'must be 1 to 100')
  .transform(parts => parts || 1)

/** What an organization is beside its owner, its slug and its parts. */
export const organizationSettings = {
  displayName: z.string().max(200),
  plan: z.string().max(100),
  webhookLimit: z.bigint().optional(),
  active: z.boolean().optional(),
  retentionDays,
  weight,
  rateLimit,
  ledgerEnabled: z.boolean(),
}

const objectiveTarget = z
  .object({
    target: z.number().min(0.95).max(0.9999),
    withinSeconds: z.number().int().min(1).max(604_800),
  })
  .optional()

const slo = z
  .object({ freshness: objectiveTarget, delivery: objectiveTarget })
  .transform(({ freshness, delivery }) => ({
    ...(freshness && { freshness }),
    ...(delivery && { delivery }),
  }))
  .optional()

const schema = z.object({
  owner,
  slo,
  slug: name,
  ...organizationSettings,
  members: z
    .array(z.object({ email: z.string().toLowerCase().pipe(z.email('is no e-mail address')), role }))
    .superRefine(uniqueBy('email')),
  sources: z.array(source).superRefine(uniqueBy('name')),
  destinations: z.array(destination).superRefine(uniqueBy('name')),
  routes: z.array(route),
  signingSecrets: plainSecrets,
  hydrationKeys: plainSecrets,
  apiKeys: z
    .array(
      z.object({
        name: z.string().min(1, 'is missing').max(100),
        prefix: z.string().max(32),
        sha256: z.instanceof(Uint8Array).refine(digest => digest.length === 32, 'must be 32 bytes'),
        role: roleOrDeveloper,
      }),
    )
    .superRefine(uniqueBy('name')),
})

export type DesiredOrganization = ReturnType<typeof readDesired>
export type DesiredSource = z.output<typeof source>
export type DesiredDestination = z.output<typeof destination>
export type DesiredRoute = z.output<typeof route>
export type DesiredSettings = Pick<
  DesiredOrganization,
  'owner' | 'slug' | keyof typeof organizationSettings
> & {
  /** Absent: none. Declared by resources and files only. */
  slo?: DesiredOrganization['slo']
}

/** Throws a StoreError `invalid_field`. */
export function readDesired(request: ApplyOrganizationRequest) {
  const desired = parseRequest(schema, request)
  const known = new Set(desired.destinations.map(({ row }) => row.name))
  for (const [index, route] of desired.routes.entries()) {
    const unknown = route.destinations.find(destination => !known.has(destination))
    if (!unknown) continue
    const field = `routes[${index}].settings.destinations`
    throw new StoreError('invalid_field', `${field}: there is no destination ${unknown}`, { field })
  }
  return {
    ...desired,
    routes: distinctRoutes(desired.routes),
  }
}

/**
 * Routes with the same source, types and destinations count once, and the first of them stands: a delivery keeps the order
 * of the first route that matches its event, so the others would change nothing.
 */
function distinctRoutes<R extends { source: string; event_types: string[]; destinations: string[] }>(
  routes: readonly R[],
): R[] {
  const distinct = new Map<string, R>()
  for (const route of routes) {
    const content = JSON.stringify([route.source, route.event_types, route.destinations])
    if (!distinct.has(content)) distinct.set(content, route)
  }
  return [...distinct.values()]
}

/** Throws a StoreError `invalid_field`. */
export const readOwner = (message: Owner) => parseRequest(owner, message, 'owner')

function uniqueBy(key: string) {
  return (items: readonly object[], context: z.RefinementCtx): void => {
    const seen = new Set<unknown>()
    for (const [index, item] of items.entries()) {
      const row = 'row' in item ? (item.row as object) : item
      const value = (row as Record<string, unknown>)[key]
      if (seen.has(value)) context.addIssue({ code: 'custom', path: [index, key], message: 'is there twice' })
      seen.add(value)
    }
  }
}
