import { timestampDate } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import {
  CancelDeliveryResponseSchema,
  type DeliveryService,
  RetimeDeliveryResponseSchema,
} from '@fairlead/wire/store/delivery'
import { deliveryMessage, waitingMessage } from '../events/rows.ts'
import { cancel, retime } from '../events/schedule.ts'
import { listWaiting } from '../events/waiting.ts'
import { requireId } from '../parse-request.ts'
import { StoreError } from '../store-error.ts'
import { searchedOf } from './attempts.ts'
import { type Calls, transact } from './calls.ts'
import { write } from './write.ts'

/** How far in the past a time is taken as now, because clocks differ. */
const clockSkewMs = 60_000

/** How far in the future an attempt may be scheduled: DELIVERIES would keep it longer, EVENTS not its body. */
const maxDelayMs = 30 * 86_400_000

export function deliveryCalls(calls: Calls): ServiceImpl<typeof DeliveryService> {
  const idsOf = (request: { organizationId: string; deliveryId: string }) => ({
    organization: requireId('org', request.organizationId, 'organization_id'),
    delivery: requireId('dlv', request.deliveryId, 'delivery_id'),
  })

  return {
    async listWaitingDeliveries(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const page = await transact(calls, context, organization, db => listWaiting(db, request))
      return { deliveries: page.rows.map(waitingMessage), next: page.next, ...searchedOf(page) }
    },

    async retimeDelivery(request, context) {
      const { organization, delivery } = idsOf(request)
      const now = calls.now()
      const at = request.at ? timestampDate(request.at) : new Date(now)
      if (at.getTime() > now + maxDelayMs) {
        throw new StoreError('invalid_field', 'at: must be within 30 days', { field: 'at' })
      }
      if (at.getTime() < now - clockSkewMs) {
        throw new StoreError('invalid_field', 'at: must not be in the past', { field: 'at' })
      }
      return write(calls, context, request, RetimeDeliveryResponseSchema, async db => {
        const row = await retime(db, calls.nats, organization, delivery, at)
        const { next_attempt_at: next } = row
        const details = { destination: row.destination ?? '', ...(next && { at: next.toISOString() }) }
        return {
          answer: { delivery: deliveryMessage(row) },
          entry: { action: 'delivery.retimed', subjectId: delivery, details },
        }
      })
    },

    async cancelDelivery(request, context) {
      const { organization, delivery } = idsOf(request)
      return write(calls, context, request, CancelDeliveryResponseSchema, async db => {
        const row = await cancel(db, calls.nats, organization, delivery, calls.now())
        const details = { destination: row.destination ?? '' }
        return {
          answer: { delivery: deliveryMessage(row) },
          entry: { action: 'delivery.cancelled', subjectId: delivery, details },
        }
      })
    },
  }
}
