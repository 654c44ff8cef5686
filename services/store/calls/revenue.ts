import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect'
import type { Precondition } from '@fairlead/wire/store/change'
import {
  type LedgerRates,
  LedgerRatesSchema,
  PutRatesResponseSchema,
  type RevenueQuestion,
  type RevenueService,
} from '@fairlead/wire/store/revenue'
import { readCohorts } from '../ledger/revenue/cohorts.ts'
import { readPeriods } from '../ledger/revenue/periods.ts'
import { factsOf, type RateTable, ratesOf, readRates, writeRates } from '../ledger/revenue/rates.ts'
import { readRecovery } from '../ledger/revenue/recovery.ts'
import { listRestatements } from '../ledger/revenue/restatements.ts'
import { fieldChanges } from '../organizations/messages.ts'
import { requireId } from '../parse-request.ts'
import { type Db, inScope } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, modeOf, transact } from './calls.ts'
import { lockOrganization } from './settings.ts'
import { write } from './write.ts'

export function revenueCalls(calls: Calls): ServiceImpl<typeof RevenueService> {
  const scoped = (organizationId: string) => requireId('org', organizationId, 'organization_id')
  /** Test data is money that nobody has: it is in no figure unless it is asked for. */
  const figures = <T>(
    context: HandlerContext,
    question: RevenueQuestion | undefined,
    work: (db: Db) => Promise<T>,
  ): Promise<T> => {
    const options = { timeoutMs: context.timeoutMs(), mode: modeOf(context) ?? 'live' }
    return inScope(calls.pool, scoped(question?.organizationId ?? ''), work, options)
  }
  return {
    readPeriods: (request, context) => figures(context, request.question, db => readPeriods(db, request)),
    readCohorts: (request, context) =>
      figures(context, request.question, db => readCohorts(db, request, calls.now())),
    readRecovery: (request, context) =>
      figures(context, request.question, db => readRecovery(db, request, calls.now())),

    async listRestatements(request, context) {
      return transact(calls, context, scoped(request.organizationId), db => listRestatements(db, request))
    },

    async getRates(request, context) {
      const organization = scoped(request.organizationId)
      return transact(calls, context, organization, async db => ({
        rates: message(await readRates(db, organization)),
      }))
    },

    async putRates(request, context) {
      const organization = scoped(request.organizationId)
      const rates = ratesOf(request.rates?.rates ?? [])
      return write(calls, context, request, PutRatesResponseSchema, async db => {
        await lockOrganization(db, organization)
        const before = await readRates(db, organization)
        requireState(request.precondition, before)
        await writeRates(db, organization, rates, calls.now())
        const after = await readRates(db, organization)
        return {
          answer: {
            rates: message(after),
            changes: fieldChanges(before.version > 0 ? factsOf(before) : undefined, factsOf(after)),
          },
          entry: {
            action: 'ledger.rates_changed',
            subjectId: organization,
            details: { before: before.rates.length, after: after.rates.length },
          },
        }
      })
    },
  }
}

/** Throws a StoreError `precondition_failed`. A table that was never made is there, and empty, unless it is to be made. */
function requireState(precondition: Precondition | undefined, table: RateTable): void {
  if (!precondition) return
  if (precondition.absent && table.version > 0)
    throw new StoreError('precondition_failed', 'it is there already')
  if (precondition.etags.length > 0 && !precondition.etags.includes(etagOf(table)))
    throw new StoreError('precondition_failed', `it is ${etagOf(table)} by now`)
}

const etagOf = ({ version }: RateTable): string => `rates.${version}`

function message(table: RateTable): LedgerRates {
  return create(LedgerRatesSchema, {
    rates: table.rates.map(rate => ({ ...rate })),
    etag: etagOf(table),
    ...(table.updatedAt && { updatedAt: timestampFromDate(table.updatedAt) }),
  })
}
