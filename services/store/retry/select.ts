import { timestampDate } from '@bufbuild/protobuf/wkt'
import { type OrganizationId, parseId, toUuid } from '@fairlead/webhook/id'
import type { RetrySelection } from '@fairlead/wire/store/retry'
import type { Knex } from 'knex'
import { z } from 'zod'
import { anyType, likeOfGlob } from '../events/where.ts'
import { outcomeOf } from '../issues/rows.ts'
import { sql } from '../sql.ts'
import { StoreError } from '../store-error.ts'

/** Which dead letters a retry is of, as its row keeps it. Ids are UUIDs. */
const schema = z.object({
  destination: z.string().optional(),
  source: z.string().optional(),
  type: z.string().optional(),
  reason: z.string().optional(),
  diedAfter: z.coerce.date().optional(),
  diedBefore: z.coerce.date().optional(),
  issue: z.string().optional(),
  deliveries: z.array(z.string()).optional(),
})
export type Selected = z.infer<typeof schema>

/** Of a row's column. */
export const readSelected = (stored: unknown): Selected => schema.parse(stored)

const mostDeliveries = 1_000

/** Throws a StoreError `invalid_field`. */
export function selectedOf(asked: RetrySelection | undefined): Selected {
  const {
    destinationId,
    source,
    type,
    reason,
    diedAfter,
    diedBefore,
    issueId,
    deliveryIds = [],
  } = asked ?? {}
  const uuidOf = (prefix: 'dst' | 'iss' | 'dlv', text: string, field: string): string => {
    const id = parseId(prefix, text)
    if (!id) throw invalid(field, `must be an id that starts with ${prefix}_`)
    return toUuid(id)
  }
  if (deliveryIds.length > mostDeliveries) throw invalid('delivery_ids', `at most ${mostDeliveries}`)
  return {
    ...(destinationId && { destination: uuidOf('dst', destinationId, 'destination_id') }),
    ...(source && { source }),
    ...(type && { type }),
    ...(reason && { reason }),
    ...(diedAfter && { diedAfter: timestampDate(diedAfter) }),
    ...(diedBefore && { diedBefore: timestampDate(diedBefore) }),
    ...(issueId && { issue: uuidOf('iss', issueId, 'issue_id') }),
    ...(deliveryIds.length > 0 && {
      deliveries: deliveryIds.map((id, i) => uuidOf('dlv', id, `delivery_ids[${i}]`)),
    }),
  }
}

/** Dead letters `d` of events `e` that fit, to destinations `x` that are there. */
export function deadLetters(organization: OrganizationId, selected: Selected): Knex.QueryBuilder {
  const query = sql('deliveries as d')
    .joinRaw(
      `join events e on e.organization_id = d.organization_id and e.id = d.event_id and e.received_at = d.received_at
       join destinations x on x.organization_id = d.organization_id and x.id = d.destination_id
         and x.deleted_at is null`,
    )
    .where('d.organization_id', toUuid(organization))
    .where('d.state', 'dead')
  const { destination, source, type, reason, diedAfter, diedBefore, issue, deliveries } = selected
  if (destination) query.where('d.destination_id', destination)
  if (source) query.where('e.source', source)
  if (type) {
    const pattern = likeOfGlob(type)
    query.whereRaw(
      anyType('e', of => `${of} like ?`),
      [pattern, pattern],
    )
  }
  if (reason) query.where('d.dead_reason', reason)
  if (diedAfter) query.where('d.died_at', '>=', diedAfter)
  if (diedBefore) query.where('d.died_at', '<', diedBefore)
  if (deliveries) query.whereRaw('d.id = any(?::uuid[])', [deliveries])
  if (issue) {
    query.joinRaw(
      `join issues i on i.organization_id = d.organization_id and i.id = ?
         and i.kind = 'delivery' and i.subject_id = d.destination_id
       join attempts a on a.organization_id = d.organization_id and a.event_id = d.event_id
         and a.destination_id = d.destination_id and a.received_at = d.received_at and a.number = d.attempt_count
         and not a.delivered and i.mode = d.mode and a.outcome = ${outcomeOf('i')} and coalesce(a.status, 0) = i.status`,
      [issue],
    )
  }
  return query
}

const invalid = (field: string, message: string) =>
  new StoreError('invalid_field', `selection.${field}: ${message}`, { field: `selection.${field}` })
