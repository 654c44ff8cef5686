import type { HandlerContext } from '@connectrpc/connect'
import type { Log } from '@fairlead/daemon/log'
import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { isMode, type Mode, modeHeader } from '@fairlead/wire/mode'
import type { Keyring } from '@fairlead/wire/seal'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Rebuilds } from '../ledger/run-rebuilds.ts'
import type { Budgets } from '../objectives/budgets.ts'
import { requireId } from '../parse-request.ts'
import type { SharedPool } from '../postgres.ts'
import type { ConfigPublisher } from '../publish/publish.ts'
import { type Db, inScope, type Scope, type ScopeOptions } from '../scope.ts'
import { StoreError } from '../store-error.ts'

/** Connections and tools that all calls share. */
export interface Calls {
  pool: SharedPool
  nats: NatsConnection
  keyring: Keyring
  publisher: ConfigPublisher
  log: Log
  budgets: Pick<Budgets, 'of'>
  rebuilds: Pick<Rebuilds, 'asked'>
  /** Slugs that nobody registers: an organization of that name is trusted with other organizations' events. */
  reservedSlugs: ReadonlySet<string>
  now: () => number
}

/** The mode that a call is for; undefined: both. Throws a StoreError `invalid_field`. */
export function modeOf(context: Pick<HandlerContext, 'requestHeader'>): Mode | undefined {
  const text = context.requestHeader.get(modeHeader)
  if (text === null) return undefined
  if (isMode(text)) return text
  throw new StoreError('invalid_field', `${modeHeader}: must be live or test`, { field: modeHeader })
}

/** Does a call's work in one transaction that ends with the call's deadline, and shows the call's mode alone. */
export function transact<T>(
  calls: Calls,
  context: HandlerContext,
  scope: Scope,
  work: (db: Db) => Promise<T>,
  { short }: Pick<ScopeOptions, 'short'> = {},
): Promise<T> {
  return inScope(calls.pool, scope, work, { timeoutMs: context.timeoutMs(), mode: modeOf(context), short })
}

/** The scope of a call: one organization, or the platform, which has none. */
export function scopeOf(organizationId: string): { scope: Scope; organization: string | null } {
  if (!organizationId) return { scope: 'platform', organization: null }
  const id = requireId('org', organizationId, 'organization_id')
  return { scope: id, organization: toUuid(id) }
}

/** How long a call's answer waits for its change to be published. */
const publishWaitMs = 1_000

/**
 * Publishes organizations after their changes are committed. The call doesn't fail with it: the changes are made, and the
 * next comparison publishes them when NATS is back.
 */
export async function publishChange(
  calls: Calls,
  ...organizations: readonly OrganizationId[]
): Promise<void> {
  if (organizations.length === 0) return
  const published = calls.publisher.publish(organizations).catch((err: unknown) => {
    const [organizationId] = organizations
    calls.log.warn({ err, organizationId, organizations: organizations.length }, 'config.unpublished')
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise(resolve => {
    timer = setTimeout(resolve, publishWaitMs)
  })
  await Promise.race([published, late])
  clearTimeout(timer)
}
