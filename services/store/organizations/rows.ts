import type { OrderConfig } from '@fairlead/wire/config'
import type { Mode } from '@fairlead/wire/mode'

/** Rows of an organization's tables as pg reads them: uuid and bigint as text, timestamptz as Date. */

export type ManagedBy = 'owner' | 'tenant'
export type OwnerKind = 'kubernetes' | 'file' | 'api'
export type Role = 'owner' | 'admin' | 'developer' | 'viewer'

export interface RateLimitColumns {
  rate_limit_per_second: number | null
  rate_limit_burst: number | null
}

interface ObjectiveTarget {
  /** The part that is to be good over 30 days. */
  readonly target: number
  readonly withinSeconds: number
}

/** Objectives of an organization's own. */
export interface Slo {
  readonly freshness?: ObjectiveTarget
  readonly delivery?: ObjectiveTarget
}

export interface OrganizationRow extends RateLimitColumns {
  id: string
  slug: string
  display_name: string
  plan: string
  webhook_limit: string | null
  active: boolean
  retention_days: number
  weight: number
  slo: Slo | null
  ledger_enabled: boolean
  owner_kind: OwnerKind
  owner_reference: string
  created_at: Date
  updated_at: Date
  deleted_at: Date | null
  /** Changes of declared rows, except those that the owner's own applies made. */
  changes_by_others: string
  version: number
}

export interface MemberRow {
  organization_id: string
  id: string
  email: string
  role: Role
  active: boolean
  last_login_at: Date | null
  managed_by: ManagedBy
}

export interface SourceRow extends RateLimitColumns {
  organization_id: string
  id: string
  name: string
  provider: string
  scheme: Record<string, unknown> | null
  options: Record<string, unknown>
  tolerance_seconds: number | null
  deduplicate: boolean
  trust_traceparent: boolean
  /** Of what it receives from now on. */
  mode: Mode
  /** Empty: none is declared. */
  account: string
  /** Null: nothing. */
  search: { pointers: string[]; headers: string[] } | null
  /** False: it is stored, and not in force. */
  active: boolean
  version: number
  managed_by: ManagedBy
  created_at: Date
  deleted_at: Date | null
}

/** A secret of a source, a header of a destination (`id` is its name), or a signing secret. */
export interface SealedRow {
  organization_id: string
  id: string
  position: number
  sealed: string
  created_at: Date
}

/** A key for a provider's API; `id` is the name of the source whose events it completes. */
export interface HydrationKeyRow extends SealedRow {
  managed_by: ManagedBy
}

export interface DestinationRow extends RateLimitColumns {
  organization_id: string
  id: string
  name: string
  kind: 'http' | 'nats' | 'processor'
  url: string
  processor: string
  timeout_seconds: number
  /** Null: it was not declared. */
  concurrency: number | null
  retry_delays_seconds: number[]
  paused: boolean
  forward_credentials: boolean
  trace_context: 'w3c' | 'none'
  /** False: it is stored, and not in force. */
  active: boolean
  version: number
  managed_by: ManagedBy
  created_at: Date
  deleted_at: Date | null
}

/** A pause that was not declared. */
export interface PauseRow {
  organization_id: string
  destination_id: string
  reason: 'gone' | 'failing' | 'asked'
  since: Date
}

export interface RouteRow {
  organization_id: string
  id: string
  source: string
  event_types: string[]
  destinations: string[]
  order_by: OrderConfig | null
  version: number
  managed_by: ManagedBy
}

export interface ApiKeyRow {
  organization_id: string | null
  id: string
  name: string
  prefix: string
  sha256: Buffer
  role: Role
  managed_by: ManagedBy
  created_at: Date
  last_used_at: Date | null
  last_used_from: string
  expires_at: Date | null
  /** Empty: all that its role may do. */
  scopes: string[]
  /** The secret of before a rotation. */
  previous_sha256: Buffer | null
  previous_prefix: string | null
  previous_until: Date | null
  previous_last_used_at: Date | null
}
