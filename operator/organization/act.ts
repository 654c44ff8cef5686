import { ErrorReason } from '@fairlead/wire/store/error'
import { storeFailureOf } from '../store-failure.ts'
import type { OrganizationKey } from './declared.ts'
import type { ActResult, Holdings, StoreRows } from './holdings.ts'
import type { Action } from './plan.ts'

/**
 * Carries out actions in order, up to the first that fails. An answer of the store, also a refusal, is an outcome.
 * Rejects only where the holdings can't be reached, and for bugs.
 *
 * @param fingerprintWith names all that is applied; told the version of the tenant's Secret if that was written
 */
export async function act(
  key: OrganizationKey,
  actions: readonly Action[],
  { holdings, rows }: { readonly holdings: Holdings; readonly rows: Pick<StoreRows, 'apply' | 'delete'> },
  fingerprintWith: (tenantSecret: string | undefined) => string | undefined = () => undefined,
): Promise<ActResult> {
  let outcome: ActResult = { kind: 'held' }
  let tenantSecret: string | undefined
  for (const action of actions) {
    switch (action.kind) {
      case 'claim':
        await holdings.claim(key)
        break
      case 'write-tenant-secret':
        tenantSecret = await holdings.writeTenantSecret(key, action.secret)
        break
      case 'apply':
        try {
          const fingerprint = fingerprintWith(tenantSecret)
          outcome = { kind: 'applied', answer: await rows.apply(key, action.desired, fingerprint) }
        } catch (error) {
          return resultOf(error)
        }
        break
      case 'delete':
        try {
          await rows.delete(key, action.organizationId)
        } catch (error) {
          return resultOf(error)
        }
        break
      case 'release':
        await holdings.release(key)
        outcome = { kind: 'gone' }
        break
      default:
        throw new TypeError(`unknown action ${action satisfies never}`)
    }
  }
  return outcome
}

/** An error of the store as an outcome for the Organization. Rethrows other errors. */
export function resultOf(error: unknown): Extract<ActResult, { kind: 'refused' | 'unavailable' }> {
  const failure = storeFailureOf(error)
  if (failure.kind === 'unavailable') return failure
  const { detail } = failure
  switch (detail?.reason) {
    case ErrorReason.SLUG_TAKEN: {
      const message = `${detail.owner || 'another Organization'} has this slug: give another spec.slug`
      return { kind: 'refused', reason: 'SlugTaken', message }
    }
    case ErrorReason.OWNED_BY_ANOTHER: {
      const message = `${detail.owner || 'another owner'} declares this organization: delete one of the two`
      return { kind: 'refused', reason: 'OwnedByAnother', message }
    }
    default:
      return { kind: 'refused', reason: 'StoreRefused', message: failure.message }
  }
}
