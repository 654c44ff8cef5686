import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import { toUuid } from '@fairlead/webhook/id'
import type { AttemptService } from '@fairlead/wire/store/attempt'
import { listAttempts, loggedAttemptMessage, readAttempt } from '../events/attempts.ts'
import { findExchange } from '../events/find-exchange.ts'
import { requireId } from '../parse-request.ts'
import type { Searched } from '../scan.ts'
import { type Calls, modeOf, transact } from './calls.ts'

export function attemptCalls(calls: Calls): ServiceImpl<typeof AttemptService> {
  return {
    async listAttempts(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const page = await transact(calls, context, organization, db =>
        listAttempts(db, request, modeOf(context)),
      )
      return { attempts: page.rows.map(loggedAttemptMessage), next: page.next, ...searchedOf(page) }
    },

    async getAttempt(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const delivery = toUuid(requireId('dlv', request.deliveryId, 'delivery_id'))
      const row = await transact(calls, context, organization, db =>
        readAttempt(db, organization, delivery, request.number),
      )
      const exchange = await findExchange(calls.nats, row)
      return { attempt: loggedAttemptMessage(row), ...(exchange && { exchange }) }
    },
  }
}

/** How far a page looked, as messages have it. */
export const searchedOf = ({ searched }: { readonly searched?: Searched }) =>
  searched && { searched: { count: searched.count, until: timestampFromDate(searched.until) } }
