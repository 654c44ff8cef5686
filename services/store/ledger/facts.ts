import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { fromUuid } from '@fairlead/webhook/id'
import type { ListLedgerFactsRequest } from '@fairlead/wire/store/ledger'
import { decodeCursor, encodeCursor, pageSize } from '../page.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { findRow } from './get.ts'
import { inPlace, placeValues } from './place.ts'

interface FactRow {
  readonly kind: string
  readonly object_id: string
  readonly incarnation: string
  readonly event_id: string
  readonly digest: Buffer
  readonly occurred_ms: string
  readonly type: string
  readonly api_version: string
  readonly before: object | null
  readonly after: object | null
  readonly complete: boolean
  readonly fairlead_event: string | null
  readonly source: string
  readonly recorded_at: Date
}

const mostFacts = 500
const presetFacts = 50

/** A page of the facts that a row was computed from, by the provider's time. Throws a StoreError. */
export async function listFacts(db: Db, request: ListLedgerFactsRequest) {
  if (!request.row) throw new StoreError('invalid_field', 'row: is missing', { field: 'row' })
  const limit = pageSize(request.limit, presetFacts, mostFacts)
  const [ms = '-1', event = '', digest = ''] = decodeCursor(request.cursor, 'sequence', 'foreign', 'foreign')
  const { place, objects } = await findRow(db, request.row)
  const { rows } = await db.query<FactRow>(
    `select f.* from unnest($5::text[], $6::text[]) as o (kind, object_id)
     join ledger_facts f on ${inPlace('f')} and f.kind = o.kind and f.object_id = o.object_id
     where (f.occurred_ms, f.event_id, encode(f.digest, 'hex')) > ($7::bigint, $8::text, $9::text)
     order by f.occurred_ms, f.event_id, encode(f.digest, 'hex') limit $10`,
    [
      ...placeValues(place),
      objects.map(({ kind }) => kind),
      objects.map(({ objectId }) => objectId),
      ms,
      event,
      digest,
      limit + 1,
    ],
  )
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    facts: shown.map(row => factMessage(row, place)),
    next:
      rows.length > limit && last
        ? encodeCursor(last.occurred_ms, last.event_id, last.digest.toString('hex'))
        : '',
  }
}

function factMessage(row: FactRow, place: { provider: string; account: string; mode: string }) {
  const { provider, account, mode } = place
  const { type, before, after, complete } = row
  return {
    fact: {
      provider,
      account,
      mode,
      kind: row.kind,
      objectId: row.object_id,
      incarnation: row.incarnation,
      eventId: row.event_id,
      digest: row.digest,
      occurredMs: BigInt(row.occurred_ms),
      json: JSON.stringify({ type, apiVersion: row.api_version, before, after, complete }),
    },
    fairleadEvent: row.fairlead_event ? fromUuid('evt', row.fairlead_event) : '',
    source: row.source,
    recordedAt: timestampFromDate(row.recorded_at),
  }
}
