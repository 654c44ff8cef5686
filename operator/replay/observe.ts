import type { Destination } from '@fairlead/wire/store/destination'
import type { Replay as StoredReplay } from '@fairlead/wire/store/replay'
import type { Declarations, Declared, ReplayKey } from './declared.ts'
import { isFinished } from './finished.ts'
import type { ReplayStatus } from './status-schema.ts'

/** Questions that the store can't answer now. */
export interface Unavailable {
  readonly kind: 'unavailable'
  readonly message: string
}

/** Reads of the store; none has an effect. */
export interface ReplayLookup {
  /** The id that the Organization has in the store, if it is in force there. */
  findOrganization(key: string, slug: string): Promise<string | Unavailable | undefined>
  listDestinations(organizationId: string): Promise<readonly Destination[] | Unavailable>
  /** By the id that was reported, else by the resource's uid. */
  findReplay(
    organizationId: string,
    by: { readonly replayId: string } | { readonly uid: string; readonly createdAtMs: number },
  ): Promise<StoredReplay | Unavailable | undefined>
}

/** The snapshot that `diff` decides on. */
export interface Snapshot {
  readonly declared: Declared
  readonly before: ReplayStatus | undefined
  /** Undefined: there is no such Organization, or the store doesn't have it yet. */
  readonly organizationId: string | undefined
  /** Name → id; only read while there is no Replay in the store and some are named. */
  readonly destinations: ReadonlyMap<string, string>
  /** The Replay in the store. */
  readonly stored: StoredReplay | undefined
  /** Set: what is above it isn't known. */
  readonly unavailable: Unavailable | undefined
  readonly nowMs: number
}

/** Reads everything about one Replay; undefined if there is none. */
export async function observe(
  key: ReplayKey,
  { declarations, rows, now }: ObserveContext,
): Promise<Snapshot | undefined> {
  const declared = await declarations.readReplay(key)
  if (!declared) return undefined
  const bare: Snapshot = {
    declared,
    before: await declarations.readStatus(key),
    organizationId: undefined,
    destinations: new Map(),
    stored: undefined,
    unavailable: undefined,
    nowMs: now(),
  }
  // Nothing more is to be learnt, and nothing is left to cancel.
  if (isFinished(bare.before)) return bare
  const { replay, uid, createdAtMs, deleting } = declared
  const organization = `${replay.metadata.namespace}/${replay.spec.organization}`
  const slug = await declarations.readSlug(organization)
  if (slug === undefined) return bare
  const organizationId = await rows.findOrganization(organization, slug)
  if (organizationId === undefined) return bare
  if (typeof organizationId !== 'string') return { ...bare, unavailable: organizationId }
  const replayId = bare.before?.replayId
  // Without its id it may be there all the same: whoever made it may have been killed before it said so. Only a
  // deletion has to find it: making it again answers with it.
  const stored =
    replayId !== undefined || deleting
      ? await rows.findReplay(organizationId, replayId === undefined ? { uid, createdAtMs } : { replayId })
      : undefined
  if (stored && 'kind' in stored) return { ...bare, organizationId, unavailable: stored }
  const asksDestinations = replayId === undefined && !deleting && replay.spec.destinations.length > 0
  const destinations = asksDestinations ? await rows.listDestinations(organizationId) : []
  if ('kind' in destinations) return { ...bare, organizationId, unavailable: destinations }
  return {
    ...bare,
    organizationId,
    stored,
    destinations: new Map(destinations.map(({ name, id }) => [name, id])),
  }
}

export interface ObserveContext {
  readonly declarations: Declarations
  readonly rows: ReplayLookup
  readonly now: () => number
}
