import type { Fact } from '@fairlead/ledger/facts'
import { weightOf } from '@fairlead/ledger/weight'
import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { QueryResultRow } from 'pg'
import type { Db } from '../scope.ts'
import type { GivenFact, QuarantinedEvent } from './parse-facts.ts'
import { type InPlace, type Place, placeText } from './place.ts'

/** Adds the facts that are not there. Answers how many, and the objects, by place, that they are about. */
export async function insertFacts(
  db: Db,
  organization: OrganizationId,
  given: readonly GivenFact[],
): Promise<{ recorded: number; touched: { place: Place; objects: InPlace[] }[] }> {
  if (given.length === 0) return { recorded: 0, touched: [] }
  const rows = await insertNew(db, organization, given)
  const places = new Map<string, { place: Place; objects: Map<string, InPlace> }>()
  for (const row of rows) {
    const { provider, account, mode, kind } = row
    const place = { organization, provider, account, mode }
    const known = places.get(placeText(place)) ?? { place, objects: new Map() }
    known.objects.set(`${kind} ${row.object_id}`, { kind, objectId: row.object_id })
    places.set(placeText(place), known)
  }
  const touched = [...places.values()].map(({ place, objects }) => ({
    place,
    objects: [...objects.values()],
  }))
  return { recorded: rows.length, touched }
}

interface InsertedRow extends Pick<Fact, 'provider' | 'account' | 'mode' | 'kind'> {
  readonly object_id: string
}

/** The objects of facts that were not there, one for each fact. */
async function insertNew(
  db: Db,
  organization: OrganizationId,
  given: readonly GivenFact[],
): Promise<InsertedRow[]> {
  // A statement can't look for one key twice.
  const facts = [...new Map(given.map(one => [keyText(one.fact), one])).values()]
  const before = facts.map(({ fact }) => (fact.before === undefined ? null : JSON.stringify(fact.before)))
  const after = facts.map(({ fact }) => (fact.after === null ? null : JSON.stringify(fact.after)))
  const { rows } = await db.query<InsertedRow & QueryResultRow>(
    `insert into ledger_facts (organization_id, provider, account, mode, kind, object_id, incarnation, event_id, digest,
       occurred_ms, type, api_version, before, after, complete, fairlead_event, source, weight, bytes)
     select $1, f.* from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bytea[],
       $10::bigint[], $11::text[], $12::text[], $13::json[], $14::json[], $15::boolean[], $16::uuid[], $17::text[],
       $18::smallint[], $19::int[]) as f
     on conflict do nothing
     returning provider, account, mode, kind, object_id`,
    [
      toUuid(organization),
      facts.map(({ fact }) => fact.provider),
      facts.map(({ fact }) => fact.account),
      facts.map(({ fact }) => fact.mode),
      facts.map(({ fact }) => fact.kind),
      facts.map(({ fact }) => fact.objectId),
      facts.map(({ fact }) => fact.incarnation),
      facts.map(({ fact }) => fact.eventId),
      facts.map(({ fact }) => Buffer.from(fact.digest, 'hex')),
      facts.map(({ fact }) => fact.occurredAt),
      facts.map(({ fact }) => fact.type),
      facts.map(({ fact }) => fact.apiVersion),
      before,
      after,
      facts.map(({ fact }) => fact.complete),
      facts.map(({ event }) => event ?? null),
      facts.map(({ source }) => source),
      facts.map(({ fact, personal }) => weightOf(fact, personal)),
      facts.map((_, index) => Buffer.byteLength(`${before[index] ?? ''}${after[index] ?? ''}`)),
    ],
  )
  return rows
}

const keyText = (fact: Fact): string =>
  JSON.stringify([
    fact.provider,
    fact.account,
    fact.mode,
    fact.kind,
    fact.objectId,
    fact.eventId,
    fact.incarnation,
    fact.digest,
  ])

/** Keeps personal data of facts, apart from them. Of a customer whose data was erased it keeps none. */
export async function insertPersonal(
  db: Db,
  organization: OrganizationId,
  given: readonly GivenFact[],
): Promise<void> {
  const facts = given.filter(({ fact, personal }) => fact.kind === 'customer' && personal)
  if (facts.length === 0) return
  await db.query(
    `insert into ledger_fact_personal (organization_id, provider, account, mode, customer, event_id, digest, occurred_ms, personal)
     select $1, f.* from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::bigint[], $9::json[])
       as f (provider, account, mode, customer, event_id, digest, occurred_ms, personal)
     where not exists (select from ledger_redactions r where r.organization_id = $1 and r.provider = f.provider
       and r.account = f.account and r.mode = f.mode and r.customer = f.customer)
     on conflict do nothing`,
    [
      toUuid(organization),
      facts.map(({ fact }) => fact.provider),
      facts.map(({ fact }) => fact.account),
      facts.map(({ fact }) => fact.mode),
      facts.map(({ fact }) => fact.objectId),
      facts.map(({ fact }) => fact.eventId),
      facts.map(({ fact }) => Buffer.from(fact.digest, 'hex')),
      facts.map(({ fact }) => fact.occurredAt),
      facts.map(({ personal }) => JSON.stringify(personal)),
    ],
  )
}

/** Keeps events that could not be read, until a newer version reads them. */
export async function insertQuarantined(
  db: Db,
  organization: OrganizationId,
  events: readonly QuarantinedEvent[],
): Promise<void> {
  if (events.length === 0) return
  await db.query(
    `insert into ledger_quarantine (organization_id, event_id, mode, source, provider, type, reason)
     select $1, q.* from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) as q
     on conflict do nothing`,
    [
      toUuid(organization),
      events.map(({ event }) => event),
      events.map(({ mode }) => mode),
      events.map(({ source }) => source),
      events.map(({ provider }) => provider),
      events.map(({ type }) => type),
      events.map(({ reason }) => reason),
    ],
  )
}
