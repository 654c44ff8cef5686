import type { ServiceImpl } from '@connectrpc/connect'
import { toUuid } from '@fairlead/webhook/id'
import {
  type LedgerService,
  RebuildLedgerResponseSchema,
  RedactLedgerCustomerResponseSchema,
} from '@fairlead/wire/store/ledger'
import { readAccess } from '../ledger/access.ts'
import { listFacts } from '../ledger/facts.ts'
import { readFigures } from '../ledger/figures.ts'
import { getRow } from '../ledger/get.ts'
import { listRows } from '../ledger/list.ts'
import { listQuarantine } from '../ledger/quarantine.ts'
import { rebuildLedger } from '../ledger/rebuild.ts'
import { recordFacts } from '../ledger/record.ts'
import { redactCustomer } from '../ledger/redact.ts'
import { requireId } from '../parse-request.ts'
import { inScope } from '../scope.ts'
import { type Calls, modeOf, transact } from './calls.ts'
import { keptAnswer, write } from './write.ts'

export function ledgerCalls(calls: Calls): ServiceImpl<typeof LedgerService> {
  const scoped = (organizationId: string) => requireId('org', organizationId, 'organization_id')
  return {
    async recordFacts(request) {
      return { recorded: await recordFacts(calls.pool, request) }
    },

    async rebuildLedger(request, context) {
      const organization = scoped(request.organizationId)
      const kept = await keptAnswer(calls, context, request, RebuildLedgerResponseSchema)
      if (kept) return kept
      const objects = await rebuildLedger(calls.pool, organization, modeOf(context))
      return write(calls, context, request, RebuildLedgerResponseSchema, async () => ({
        answer: { objects: BigInt(objects) },
        entry: { action: 'ledger.rebuilt', subjectId: organization, details: { objects } },
      }))
    },

    async listLedgerRows(request, context) {
      return transact(calls, context, scoped(request.organizationId), db => listRows(db, request))
    },

    async getLedgerRow(request, context) {
      return transact(calls, context, scoped(request.organizationId), db => getRow(db, request))
    },

    async listLedgerFacts(request, context) {
      const organization = scoped(request.row?.organizationId ?? '')
      return transact(calls, context, organization, db => listFacts(db, request))
    },

    async getLedgerAccess(request, context) {
      const organization = scoped(request.organizationId)
      return transact(calls, context, organization, db => readAccess(db, request), { short: true })
    },

    async readLedgerFigures(request, context) {
      // Test data is money that nobody has: it is in no figure unless it is asked for.
      const options = { timeoutMs: context.timeoutMs(), mode: modeOf(context) ?? 'live' }
      const organization = scoped(request.organizationId)
      return inScope(calls.pool, organization, db => readFigures(db, request), options)
    },

    async redactLedgerCustomer(request, context) {
      const organization = scoped(request.organizationId)
      return write(calls, context, request, RedactLedgerCustomerResponseSchema, async db => {
        const changed = await redactCustomer(db, request, calls.now())
        const { customer } = request
        return {
          answer: {},
          entry: changed
            ? { action: 'ledger.customer_redacted', subjectId: organization, details: { customer } }
            : undefined,
        }
      })
    },

    async listLedgerQuarantine(request, context) {
      const organization = scoped(request.organizationId)
      return transact(calls, context, organization, db =>
        listQuarantine(db, { ...request, organization: toUuid(organization) }),
      )
    },
  }
}
