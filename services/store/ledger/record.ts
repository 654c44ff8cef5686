import type { OrganizationId } from '@fairlead/webhook/id'
import type { RecordFactsRequest } from '@fairlead/wire/store/ledger'
import type { Pool } from 'pg'
import { requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { inScope } from '../scope.ts'
import { insertFacts, insertPersonal, insertQuarantined } from './insert-facts.ts'
import { noteChanges } from './outbox.ts'
import { type GivenFacts, readGivenFacts } from './parse-facts.ts'
import { lockPlacesOf, type Place, placeText } from './place.ts'
import { refold } from './refold.ts'

/** Longest that the transaction of one request may take, ms. */
const recordMs = 30_000

/**
 * Adds facts to an organization's ledger, in one transaction:
 *
 *   lock the places ─▶ insert what is new ─▶ fold each object concerned ─▶ project its customer ─▶ note what is to be told
 *
 * Safe to repeat, and to do in any order and in any batches: what is computed is a function of the set of facts. Answers how many were
 * new. Throws a StoreError.
 */
export async function recordFacts(pool: Pool, request: RecordFactsRequest): Promise<number> {
  const organization = requireId('org', request.organizationId, 'organization_id')
  const given = readGivenFacts(request)
  return await inScope(pool, organization, db => record(db, organization, given), {
    timeoutMs: recordMs,
    planned: true,
  })
}

async function record(db: Db, organization: OrganizationId, given: GivenFacts): Promise<number> {
  const places = new Map<string, Place>()
  for (const { fact } of given.facts) {
    const { provider, account, mode } = fact
    places.set(placeText(fact), { organization, provider, account, mode })
  }
  // A deleted organization's last deliveries: nobody will ask for its ledger, which goes with it.
  if (!(await lockPlacesOf(db, organization, [...places.values()]))) return 0
  await insertQuarantined(db, organization, given.quarantined)
  await insertPersonal(db, organization, given.facts)
  const { recorded, touched } = await insertFacts(db, organization, given.facts)
  for (const { place, objects } of touched) await noteChanges(db, place, await refold(db, place, objects))
  return recorded
}
