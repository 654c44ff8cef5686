import type { JsonObject } from '@bufbuild/protobuf'
import { fromUuid } from '@fairlead/webhook/id'
import { type Keyring, sealContext } from '@fairlead/wire/seal'
import {
  changedFields,
  declaredDestination,
  declaredOrganization,
  declaredRoute,
  declaredSource,
  fingerprint,
} from './declared.ts'
import { openOrUndefined } from './diff.ts'
import type { StoredOrganization } from './read.ts'

/** Changes that an entry of the audit log lists; the others are counted. */
const mostListed = 100

/** What an apply changed, for its entry in the audit log: each part with what it was and what it is. Pure. */
export function appliedChanges(
  before: StoredOrganization,
  after: StoredOrganization,
  keyring: Keyring,
): JsonObject {
  const was = partsOf(before, keyring)
  const is = partsOf(after, keyring)
  const changes = [...new Set([...was.keys(), ...is.keys()])].flatMap(name => changeOf(name, was, is))
  const rest = changes.length - mostListed
  return { changes: changes.slice(0, mostListed), ...(rest > 0 && { changesNotListed: rest }) }
}

function changeOf(
  name: string,
  was: ReadonlyMap<string, JsonObject>,
  is: ReadonlyMap<string, JsonObject>,
): JsonObject[] {
  const fields = changedFields(was.get(name), is.get(name))
  if (fields.length === 0) return []
  const of = (side: 'before' | 'after') =>
    Object.fromEntries(fields.flatMap(change => (side in change ? [[change.field, change[side]!]] : [])))
  return [
    {
      part: name,
      ...(was.has(name) && { before: of('before') }),
      ...(is.has(name) && { after: of('after') }),
    },
  ]
}

/** Parts by kind and name, in the words of a declaration; secrets are told by a fingerprint. */
function partsOf(organization: StoredOrganization, keyring: Keyring): Map<string, JsonObject> {
  const options = { keyring, fingerprints: true }
  const seal = sealContext.signingSecret(fromUuid('org', organization.id))
  const live = <R extends { deleted_at: Date | null }>(rows: readonly R[]) =>
    rows.filter(({ deleted_at }) => deleted_at === null)
  return new Map<string, JsonObject>([
    ['organization', declaredOrganization(organization)],
    ...organization.members.map(({ email, role, active }) => [`member ${email}`, { role, active }] as const),
    ...live(organization.sources).map(row => [`source ${row.name}`, declaredSource(row, options)] as const),
    ...live(organization.destinations).map(
      row => [`destination ${row.name}`, declaredDestination(row, options)] as const,
    ),
    ...organization.routes.map(row => {
      const route = declaredRoute(row)
      return [`route ${JSON.stringify([row.source, row.event_types, row.destinations])}`, route] as const
    }),
    ...organization.signingSecrets.map(({ id, sealed }) => {
      const value = openOrUndefined(keyring, sealed, seal)
      const told = value === undefined ? 'unreadable' : fingerprint(value, keyring)
      return [`signing secret ${id}`, { fingerprint: told }] as const
    }),
    ...organization.hydrationKeys.map(({ id, sealed }) => {
      const value = openOrUndefined(
        keyring,
        sealed,
        sealContext.hydrationKey(fromUuid('org', organization.id)),
      )
      const told = value === undefined ? 'unreadable' : fingerprint(value, keyring)
      return [`hydration key ${id}`, { fingerprint: told }] as const
    }),
    ...organization.apiKeys.map(({ name, role, prefix }) => [`api key ${name}`, { role, prefix }] as const),
  ])
}
