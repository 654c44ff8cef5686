import { digestOf } from '@fairlead/ledger/canonical'
import type { Fact } from '@fairlead/ledger/facts'
import { LedgerResource, type RedactLedgerCustomerRequest } from '@fairlead/wire/store/ledger'
import type { Db } from '../scope.ts'
import { findRow } from './get.ts'
import { insertFacts } from './insert-facts.ts'
import { inPlace, lockPlaces, placeValues } from './place.ts'
import { refold } from './refold.ts'

/** The event id of an erasure that a member asked for. No provider has such an id. */
const redactionEventId = 'fairlead.redaction'

/**
 * Erases a customer's personal data from rows and facts, for good: the erasure is a fact itself, so that neither a rebuild nor a
 * late event brings it back. Answers whether there was something to erase. Throws a StoreError `not_found`.
 */
export async function redactCustomer(
  db: Db,
  { organizationId, customer, provider, account }: RedactLedgerCustomerRequest,
  nowMs: number,
): Promise<boolean> {
  const { place } = await findRow(db, {
    $typeName: 'fairlead.store.v1.GetLedgerRowRequest',
    organizationId,
    resource: LedgerResource.CUSTOMERS,
    id: customer,
    provider,
    ...(account !== undefined && { account }),
  })
  await lockPlaces(db, [place])
  const { rowCount } = await db.query(`select from ledger_redactions where ${inPlace()} and customer = $5`, [
    ...placeValues(place),
    customer,
  ])
  if (rowCount) return false
  const told = {
    provider: place.provider,
    account: place.account,
    mode: place.mode,
    kind: 'customer',
    objectId: customer,
    incarnation: '',
    eventId: redactionEventId,
    occurredAt: nowMs,
    type: 'fairlead.customer.redacted',
    apiVersion: '',
    after: { redacted: true },
    complete: true,
  } as const
  const fact: Fact = { ...told, digest: digestOf(told) }
  await insertFacts(db, place.organization, [{ fact, personal: undefined, event: undefined, source: '' }])
  await refold(db, place, [{ kind: 'customer', objectId: customer }])
  return true
}
