import type { ServiceImpl } from '@connectrpc/connect'
import { toUuid } from '@fairlead/webhook/id'
import type { UsageService } from '@fairlead/wire/store/usage'
import { requireId } from '../parse-request.ts'
import { readAnalytics, readAsked } from '../usage/analytics.ts'
import { type Calls, transact } from './calls.ts'

export function usageCalls(calls: Calls): ServiceImpl<typeof UsageService> {
  return {
    async getAnalytics(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const asked = readAsked(request, calls.now())
      return transact(calls, context, organization, db => readAnalytics(db, organization, asked))
    },

    async getUsage(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      return transact(calls, context, organization, async db => {
        const { rows: months } = await db.query<{ month: string; accepted: string }>(
          `select to_char(month, 'YYYY-MM') as month, accepted from monthly_usage
           where organization_id = $1 order by monthly_usage.month desc limit 13`,
          [toUuid(organization)],
        )
        const { rows } = await db.query<{ plan: string; webhook_limit: string | null }>(
          'select plan, webhook_limit from organizations where id = $1',
          [toUuid(organization)],
        )
        const limit = rows[0]?.webhook_limit
        return {
          months: months.map(({ month, accepted }) => ({ month, accepted: BigInt(accepted) })),
          ...(limit && { limit: BigInt(limit) }),
          plan: rows[0]?.plan ?? '',
        }
      })
    },
  }
}
