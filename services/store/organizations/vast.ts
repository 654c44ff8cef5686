import { mostConfigBytes, mostStars, starsOf } from '../publish/bounds.ts'
import { StoreError } from '../store-error.ts'
import type { DesiredOrganization } from './desired.ts'
import type { StoredOrganization } from './read.ts'
import type { Change, Table } from './write.ts'

/** A declaration, and its bytes on the wire. */
interface Declared {
  readonly desired: Pick<DesiredOrganization, 'routes'>
  readonly bytes: number
}

/** Tables of which receivers and workers hold nothing, or no more than a few bytes. */
const small: readonly Table[] = ['organizations', 'members', 'api_keys']

/**
 * Why an owner's declaration is refused that is larger than an organization may be, a StoreError `invalid_field`; undefined: it isn't. A larger
 * one that was in force before there was a bound stays in force, and may be changed where it grows by nothing. Pure.
 *
 * @param stored as it is in force; undefined: it is new
 * @param changes what the declaration changes of it
 */
export function refusalOfVast(
  { desired, bytes }: Declared,
  stored: Pick<StoredOrganization, 'routes'> | undefined,
  changes: readonly Pick<Change, 'kind' | 'table'>[],
): StoreError | undefined {
  // Sealed and written as text it grows by half; what a tenant adds to it has a bound of its own.
  const mayGrow = changes.some(({ kind, table }) => kind !== 'remove' && !small.includes(table))
  if (bytes > mostConfigBytes && mayGrow) {
    const most = `${mostConfigBytes / 1024 ** 2} MiB`
    return refused(
      'destinations',
      `sources, destinations and routes, with their secrets, must take at most ${most} together`,
    )
  }
  const declared = starsIn(desired.routes)
  const before = starsIn(stored?.routes.filter(({ managed_by }) => managed_by === 'owner') ?? [])
  if (declared > mostStars && declared > before)
    return refused('routes', `must have at most ${mostStars} * in all event types together`)
  return undefined
}

const starsIn = (routes: readonly { readonly event_types: readonly string[] }[]): number =>
  starsOf(routes.flatMap(({ event_types }) => event_types))

const refused = (field: string, message: string) =>
  new StoreError('invalid_field', `${field}: ${message}`, { field })
