import { createHash } from 'node:crypto'
import type { JsonObject } from '@bufbuild/protobuf'
import type { ServiceImpl } from '@connectrpc/connect'
import { fromUuid } from '@fairlead/webhook/id'
import { type Keyring, sealContext } from '@fairlead/wire/seal'
import type { Precondition } from '@fairlead/wire/store/change'
import {
  type HydrationKey,
  type LedgerService,
  PutHydrationKeysResponseSchema,
} from '@fairlead/wire/store/ledger'
import { fingerprint } from '../organizations/declared.ts'
import { hydrationChanges, openOrUndefined } from '../organizations/diff.ts'
import { fieldChanges } from '../organizations/messages.ts'
import { readOrganization, type StoredOrganization } from '../organizations/read.ts'
import type { HydrationKeyRow } from '../organizations/rows.ts'
import { write as writeRows } from '../organizations/write.ts'
import { requireId } from '../parse-request.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, transact } from './calls.ts'
import { changeSetting } from './settings.ts'

/** Keys by which the ledger fetches from Stripe what events leave out. */
export function hydrationCalls(
  calls: Calls,
): Pick<ServiceImpl<typeof LedgerService>, 'getHydrationKeys' | 'putHydrationKeys'> {
  const { keyring } = calls
  return {
    async getHydrationKeys(request, context) {
      const id = requireId('org', request.organizationId, 'organization_id')
      const organization = await transact(calls, context, id, db => readOrganization(db, id))
      if (!organization) throw new StoreError('not_found', 'there is no such organization')
      return { keys: message(organization, keyring) }
    },

    async putHydrationKeys(request, context) {
      return changeSetting(calls, context, request, PutHydrationKeysResponseSchema, async (db, before) => {
        requireState(request.precondition, before.hydrationKeys)
        const wanted = wantedKeys(request.keys, before, keyring)
        const of = { organizationId: before.id, keyring }
        await writeRows(db, hydrationChanges(before.hydrationKeys, wanted, 'tenant', of))
        const after = (await readOrganization(db, fromUuid('org', before.id)))!
        const [was, is] = [factsOf(before, keyring), factsOf(after, keyring)]
        const changes = fieldChanges(was, is)
        return {
          answer: { keys: message(after, keyring), changes },
          entry:
            changes.length === 0
              ? undefined
              : {
                  action: 'ledger.hydration_changed',
                  subjectId: fromUuid('org', before.id),
                  details: { before: was, after: is },
                },
        }
      })
    },
  }
}

/** A restricted key says what it may read, and in which of Stripe's modes. */
const restricted = /^rk_(live|test)_[\w-]{1,500}$/
const mostKeys = 100

/** Throws a StoreError `invalid_field`, or `managed_by_owner`. */
function wantedKeys(given: readonly HydrationKey[], organization: StoredOrganization, keyring: Keyring) {
  if (given.length > mostKeys) throw invalid('keys', `must be at most ${mostKeys}`)
  const stored = new Map(organization.hydrationKeys.map(row => [row.id, row]))
  const seen = new Set<string>()
  return given.map(({ source, key }, index) => {
    const at = `keys[${index}]`
    if (seen.has(source)) throw invalid(`${at}.source`, `${source} is there twice`)
    seen.add(source)
    const known = stored.get(source)
    if (known?.managed_by === 'owner') {
      throw new StoreError(
        'managed_by_owner',
        `the organization's owner declares the key of ${source}: change it there`,
      )
    }
    if (!organization.sources.some(({ name, provider }) => name === source && provider === 'stripe'))
      throw invalid(`${at}.source`, `there is no source ${source} of the provider stripe`)
    const value = key || (known && openOrUndefined(keyring, known.sealed, sealOf(organization)))
    if (!value) throw invalid(`${at}.key`, 'is missing, and none is stored')
    if (key && !restricted.test(key))
      throw invalid(`${at}.key`, 'must be a restricted key of Stripe: rk_live_… or rk_test_…')
    return { id: source, value }
  })
}

const sealOf = ({ id }: StoredOrganization): string => sealContext.hydrationKey(fromUuid('org', id))

const invalid = (field: string, message: string): StoreError =>
  new StoreError('invalid_field', `${field}: ${message}`, { field })

/** Throws a StoreError `precondition_failed`. The setting is there, and empty, where no key was ever entered. */
function requireState(precondition: Precondition | undefined, rows: readonly HydrationKeyRow[]): void {
  if (!precondition) return
  if (precondition.absent && rows.length > 0)
    throw new StoreError('precondition_failed', 'it is there already')
  if (precondition.etags.length > 0 && !precondition.etags.includes(etagOf(rows)))
    throw new StoreError('precondition_failed', `it is ${etagOf(rows)} by now`)
}

/** A key that is sealed anew makes another state. */
function etagOf(rows: readonly HydrationKeyRow[]): string {
  const state = rows.map(({ id, managed_by, sealed }) => [id, managed_by, sealed])
  return `hydration.${createHash('sha256').update(JSON.stringify(state)).digest('hex').slice(0, 16)}`
}

/** In the words of the audit log. */
const factsOf = (organization: StoredOrganization, keyring: Keyring): JsonObject =>
  Object.fromEntries(
    organization.hydrationKeys.map(({ id, sealed }) => {
      const value = openOrUndefined(keyring, sealed, sealOf(organization))
      return [id, { fingerprint: value === undefined ? 'unreadable' : fingerprint(value, keyring) }]
    }),
  )

function message(organization: StoredOrganization, keyring: Keyring) {
  const keys = organization.hydrationKeys
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, managed_by, sealed }) => {
      const value = openOrUndefined(keyring, sealed, sealOf(organization)) ?? ''
      return { source: id, managedBy: managed_by, mode: /^[rs]k_(live|test)_/.exec(value)?.[1] ?? '' }
    })
  return { keys, etag: etagOf(organization.hydrationKeys) }
}
