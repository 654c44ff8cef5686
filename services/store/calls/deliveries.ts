import { timestampDate } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import type { DeliveryService } from '@fairlead/wire/store/delivery'
import { deliveryMessage, waitingMessage } from '../events/rows.ts'
import { cancel, retime } from '../events/schedule.ts'
import { listWaiting } from '../events/waiting.ts'
import { requireId } from '../parse-request.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, transact } from './calls.ts'

/** A time so far in the past is taken as now: clocks differ. */
const clockSkewMs = 60_000

/** How far away an attempt may be put: DELIVERIES keeps it, but EVENTS not its body. */
const maxDelayMs = 30 * 86_400_000

export function deliveryCalls(calls: Calls): ServiceImpl<typeof DeliveryService> {
  const idsOf = (request: { organizationId: string; deliveryId: string }) => ({
    organization: requireId('org', request.organizationId, 'organization_id'),
    delivery: requireId('dlv', request.deliveryId, 'delivery_id'),
  })

  return {
    async listWaitingDeliveries(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const { rows, next } = await transact(calls, context, organization, db => listWaiting(db, request))
      return { deliveries: rows.map(waitingMessage), next }
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
      const row = await transact(calls, context, organization, db =>
        retime(db, calls.nats, organization, delivery, at),
      )
      return { delivery: deliveryMessage(row) }
    },

    async cancelDelivery(request, context) {
      const { organization, delivery } = idsOf(request)
      const row = await transact(calls, context, organization, db =>
        cancel(db, calls.nats, organization, delivery, calls.now()),
      )
      return { delivery: deliveryMessage(row) }
    },
  }
}
