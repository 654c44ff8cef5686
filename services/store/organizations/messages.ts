import { create, fromJson, type JsonObject, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate, ValueSchema } from '@bufbuild/protobuf/wkt'
import { fromUuid } from '@fairlead/webhook/id'
import type { OrderConfig } from '@fairlead/wire/config'
import { ApiKeySchema } from '@fairlead/wire/store/api_key'
import { DestinationSchema, DestinationState, LaneState, PauseReason } from '@fairlead/wire/store/destination'
import { ManagedBy, MemberRole, MemberSchema } from '@fairlead/wire/store/member'
import { OrganizationSchema, OwnerKind } from '@fairlead/wire/store/organization'
import { RouteSchema } from '@fairlead/wire/store/route'
import { type RateLimitSchema, SourceSchema } from '@fairlead/wire/store/source'
import { isSwallowing, noneCounted, type SourceCounts } from '../source-counts.ts'
import { changedFields } from './declared.ts'
import { type OrganizationOverview, quotaExceeded } from './read.ts'
import type {
  ApiKeyRow,
  DestinationRow,
  MemberRow,
  PauseRow,
  RateLimitColumns,
  RouteRow,
  SealedRow,
  SourceRow,
} from './rows.ts'

/** Rows as messages of the proto. */

export const managedByMessage = { owner: ManagedBy.OWNER, tenant: ManagedBy.TENANT } as const
export const roleMessage = {
  owner: MemberRole.OWNER,
  admin: MemberRole.ADMIN,
  developer: MemberRole.DEVELOPER,
  viewer: MemberRole.VIEWER,
} as const
const ownerKindMessage = {
  kubernetes: OwnerKind.KUBERNETES,
  file: OwnerKind.FILE,
  api: OwnerKind.API,
} as const

export function organizationMessage(stored: OrganizationOverview) {
  return create(OrganizationSchema, {
    id: fromUuid('org', stored.id),
    slug: stored.slug,
    displayName: stored.display_name,
    plan: stored.plan,
    ...(stored.webhook_limit !== null && { webhookLimit: BigInt(stored.webhook_limit) }),
    active: stored.active,
    retentionDays: stored.retention_days,
    weight: stored.weight,
    ledgerEnabled: stored.ledger_enabled,
    ...rateLimit(stored),
    owner: { kind: ownerKindMessage[stored.owner_kind], reference: stored.owner_reference },
    createdAt: timestampFromDate(stored.created_at),
    updatedAt: timestampFromDate(stored.updated_at),
    acceptedThisMonth: stored.acceptedThisMonth,
    etag: etagOf('org', stored),
    quotaExceeded: quotaExceeded(stored),
  })
}

export function memberMessage(row: MemberRow, slug: string) {
  return create(MemberSchema, {
    id: fromUuid('mem', row.id),
    organizationId: fromUuid('org', row.organization_id),
    email: row.email,
    role: roleMessage[row.role],
    active: row.active,
    ...at('lastLoginAt', row.last_login_at),
    managedBy: managedByMessage[row.managed_by],
    organizationSlug: slug,
  })
}

/** The events that a source accepted, by the secret that verified them ('' where none is needed). */
export type Activity = ReadonlyMap<string, { readonly lastEventAt: Date; readonly matched: bigint }>

export function sourceMessage(
  row: SourceRow & { secrets: Pick<SealedRow, 'id' | 'created_at'>[] },
  activity: Activity = new Map(),
  counts: SourceCounts = noneCounted,
  declared?: JsonObject,
) {
  const newest = [...activity.values()].reduce<Date | null>(
    (max, { lastEventAt }) => (max && max > lastEventAt ? max : lastEventAt),
    null,
  )
  return create(SourceSchema, {
    id: fromUuid('src', row.id),
    organizationId: fromUuid('org', row.organization_id),
    name: row.name,
    settings: {
      provider: row.provider,
      ...(row.scheme && { scheme: row.scheme as JsonObject }),
      options: row.options as JsonObject,
      ...(row.tolerance_seconds !== null && { toleranceSeconds: row.tolerance_seconds }),
      ...rateLimit(row),
      deduplicate: row.deduplicate,
      trustTraceparent: row.trust_traceparent,
      active: row.active,
      mode: row.mode,
      account: row.account,
      ...(row.search && { search: row.search }),
    },
    secrets: row.secrets.map(secret => ({
      id: secret.id,
      ...at('lastMatchedAt', activity.get(secret.id)?.lastEventAt ?? null),
      matched: activity.get(secret.id)?.matched ?? 0n,
      createdAt: timestampFromDate(secret.created_at),
    })),
    ...at('lastEventAt', newest),
    managedBy: managedByMessage[row.managed_by],
    createdAt: timestampFromDate(row.created_at),
    lastHour: {
      accepted: BigInt(counts.accepted),
      repeated: BigInt(counts.repeated),
      differing: BigInt(counts.differing),
      swallowing: isSwallowing(counts),
    },
    ...(declared && { declared }),
    etag: etagOf('src', row),
  })
}

/** A destination's health. */
export interface DestinationCondition {
  waiting: number
  dead: number
  last_success_at: Date | null
  failing_since: Date | null
  last_error: string | null
  lane: keyof typeof laneStates | null
}

const untried: DestinationCondition = {
  waiting: 0,
  dead: 0,
  last_success_at: null,
  failing_since: null,
  last_error: null,
  lane: null,
}

const pauseReasons = {
  gone: PauseReason.GONE,
  failing: PauseReason.FAILING,
  asked: PauseReason.ASKED,
} as const

const laneStates = {
  throttled: LaneState.THROTTLED,
  broken: LaneState.BROKEN,
  host_broken: LaneState.HOST_BROKEN,
} as const

export function destinationMessage(
  row: DestinationRow & {
    headers: Pick<SealedRow, 'id'>[]
    pause: Pick<PauseRow, 'reason' | 'since'> | undefined
  },
  condition = untried,
  declared?: JsonObject,
) {
  const { PAUSED, FAILING, HEALTHY } = DestinationState
  const pausedByOwner = row.paused ? PauseReason.DECLARED : PauseReason.UNSPECIFIED
  return create(DestinationSchema, {
    id: fromUuid('dst', row.id),
    organizationId: fromUuid('org', row.organization_id),
    name: row.name,
    settings: {
      url: row.url,
      timeoutSeconds: row.timeout_seconds,
      concurrency: row.concurrency ?? 0,
      ...rateLimit(row),
      retry: { delaysSeconds: row.retry_delays_seconds },
      paused: row.paused,
      forwardCredentials: row.forward_credentials,
      traceContext: row.trace_context,
      nats: row.kind === 'nats',
      processor: row.processor,
      active: row.active,
    },
    headerNames: row.headers.map(header => header.id),
    pauseReason: row.pause ? pauseReasons[row.pause.reason] : pausedByOwner,
    ...at('pausedSince', row.pause?.since ?? null),
    state: row.paused || row.pause ? PAUSED : condition.failing_since ? FAILING : HEALTHY,
    lane: condition.lane ? laneStates[condition.lane] : LaneState.WELL,
    waiting: BigInt(condition.waiting),
    dead: BigInt(condition.dead),
    ...at('lastSuccessAt', condition.last_success_at),
    ...at('failingSince', condition.failing_since),
    lastError: condition.last_error ?? '',
    managedBy: managedByMessage[row.managed_by],
    createdAt: timestampFromDate(row.created_at),
    ...(declared && { declared }),
    etag: etagOf('dst', row),
  })
}

export function routeMessage(row: RouteRow, declared?: JsonObject) {
  return create(RouteSchema, {
    id: fromUuid('rte', row.id),
    organizationId: fromUuid('org', row.organization_id),
    settings: {
      source: row.source,
      eventTypes: row.event_types,
      destinations: row.destinations,
      ...(row.order_by && { order: orderMessage(row.order_by) }),
    },
    managedBy: managedByMessage[row.managed_by],
    ...(declared && { declared }),
    etag: etagOf('rte', row),
  })
}

function orderMessage({ key, maxWaitSeconds }: OrderConfig) {
  return {
    key:
      key.from === 'body'
        ? { case: 'pointer' as const, value: key.pointer }
        : { case: 'header' as const, value: key.name },
    maxWaitSeconds,
  }
}

export function apiKeyMessage(row: ApiKeyRow, nowMs: number) {
  return create(ApiKeySchema, {
    id: fromUuid('key', row.id),
    organizationId: row.organization_id ? fromUuid('org', row.organization_id) : '',
    name: row.name,
    prefix: row.prefix,
    role: roleMessage[row.role],
    createdAt: timestampFromDate(row.created_at),
    ...at('lastUsedAt', row.last_used_at),
    lastUsedFrom: row.last_used_from,
    ...at('expiresAt', row.expires_at),
    scopes: row.scopes,
    ...previousSecret(row, nowMs),
    managedBy: managedByMessage[row.managed_by],
  })
}

function previousSecret(row: ApiKeyRow, nowMs: number) {
  if (row.previous_until === null || row.previous_until.getTime() <= nowMs) return {}
  return {
    previous: {
      prefix: row.previous_prefix ?? '',
      goodUntil: timestampFromDate(row.previous_until),
      ...at('lastUsedAt', row.previous_last_used_at),
    },
  }
}

function rateLimit(row: RateLimitColumns): { rateLimit?: MessageInitShape<typeof RateLimitSchema> } {
  if (row.rate_limit_per_second === null) return {}
  return { rateLimit: { perSecond: row.rate_limit_per_second, burst: row.rate_limit_burst ?? 1 } }
}

/** What a write changes; `undefined`: nothing is there. */
export function fieldChanges(before: JsonObject | undefined, after: JsonObject | undefined) {
  return changedFields(before, after).map(change => ({
    field: change.field,
    ...(change.before !== undefined && { before: fromJson(ValueSchema, change.before) }),
    ...(change.after !== undefined && { after: fromJson(ValueSchema, change.after) }),
  }))
}

/** Says the same for whoever reads it; one that is made anew under the same name has another. */
export const etagOf = (prefix: 'org' | 'src' | 'dst' | 'rte', row: { id: string; version: number }): string =>
  `${fromUuid(prefix, row.id)}.${row.version}`

/** A timestamp field, left out where there is none. */
export function at<Name extends string>(name: Name, date: Date | null) {
  return (date ? { [name]: timestampFromDate(date) } : {}) as {
    [N in Name]?: ReturnType<typeof timestampFromDate>
  }
}
