import { setTimeout as wait } from 'node:timers/promises'
import { timestampDate } from '@bufbuild/protobuf/wkt'
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect'
import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import {
  type LedgerService,
  RebuildLedgerResponseSchema,
  RedactLedgerCustomerResponseSchema,
  RetryLedgerQuarantineResponseSchema,
} from '@fairlead/wire/store/ledger'
import { readAccess } from '../ledger/access.ts'
import { listFacts } from '../ledger/facts.ts'
import { readFigures } from '../ledger/figures.ts'
import { getRow } from '../ledger/get.ts'
import { listRows } from '../ledger/list.ts'
import { listQuarantine } from '../ledger/quarantine.ts'
import { askRebuild, listRebuilds, readRebuild, rebuildMessage } from '../ledger/rebuilds.ts'
import { recordFacts } from '../ledger/record.ts'
import { redactCustomer } from '../ledger/redact.ts'
import { retryQuarantined } from '../ledger/retry-quarantined.ts'
import { requireId } from '../parse-request.ts'
import { inScope } from '../scope.ts'
import { type Calls, modeOf, transact } from './calls.ts'
import { hydrationCalls } from './hydration.ts'
import { lockOrganization } from './settings.ts'
import { write } from './write.ts'

export function ledgerCalls(calls: Calls): ServiceImpl<typeof LedgerService> {
  const scoped = (organizationId: string) => requireId('org', organizationId, 'organization_id')
  return {
    async recordFacts(request) {
      return { recorded: await recordFacts(calls.pool, request) }
    },

    async rebuildLedger(request, context) {
      const organization = scoped(request.organizationId)
      const mode = modeOf(context)
      const answer = await write(calls, context, request, RebuildLedgerResponseSchema, async db => {
        await lockOrganization(db, organization)
        const asked = { mode, change: request.change, nowMs: calls.now() }
        const rebuild = rebuildMessage(await askRebuild(db, organization, asked))
        return { answer: { rebuild }, entry: { action: 'ledger.rebuild_requested', subjectId: rebuild.id } }
      })
      calls.rebuilds.asked()
      const id = toUuid(requireId('rbd', answer.rebuild?.id ?? '', 'rebuild_id'))
      return request.startOnly ? answer : await rebuilt(calls, context, organization, id)
    },

    async getLedgerRebuild(request, context) {
      const organization = scoped(request.organizationId)
      const id = toUuid(requireId('rbd', request.rebuildId, 'rebuild_id'))
      return transact(calls, context, organization, async db => ({
        rebuild: rebuildMessage(await readRebuild(db, organization, id, modeOf(context))),
      }))
    },

    async listLedgerRebuilds(request, context) {
      const organization = scoped(request.organizationId)
      return transact(calls, context, organization, db =>
        listRebuilds(db, organization, request, modeOf(context)),
      )
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

    async retryLedgerQuarantine(request, context) {
      const organization = scoped(request.organizationId)
      const before = request.before ? timestampDate(request.before) : new Date(calls.now())
      return write(calls, context, request, RetryLedgerQuarantineResponseSchema, async db => {
        const { reason } = request
        const answer = await retryQuarantined(db, calls.nats, organization, { reason, before })
        const details = { ...(reason && { reason }), retried: answer.retried, skipped: answer.skipped }
        return { answer, entry: { action: 'ledger.quarantine_retried', subjectId: organization, details } }
      })
    },

    ...hydrationCalls(calls),
  }
}

/** How often a rebuild that is waited for is looked at, ms. */
const lookMs = 100

/** Waits for the end of a rebuild. Rejects at the call's deadline; the rebuild goes on. */
async function rebuilt(calls: Calls, context: HandlerContext, organization: OrganizationId, id: string) {
  for (;;) {
    const row = await transact(calls, context, organization, db =>
      readRebuild(db, organization, id, modeOf(context)),
    )
    if (row.ended_at) return { objects: BigInt(row.objects), rebuild: rebuildMessage(row) }
    await wait(lookMs, undefined, { signal: context.signal })
  }
}
