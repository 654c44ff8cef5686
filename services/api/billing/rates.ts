import type { LedgerRates } from '@fairlead/wire/store/revenue'
import { z } from 'zod'
import { DryRun, dryRunQuery } from '../dry-run.ts'
import { operation } from '../operation.ts'
import { noQuery, organizationParams } from '../query.ts'
import { orExplained, settingFields, settingProblems } from '../setting.ts'
import { presentTime, timeText } from '../time.ts'

const currencyName = z.string().regex(/^[A-Z]{3}$/)

const tableSchema = z
  .record(
    currencyName,
    z.array(
      z.strictObject({
        currency: currencyName.meta({ description: 'The other currency.', example: 'EUR' }),
        day: z.iso.date().meta({
          description: 'The rate is in force from this day on, until the next one of the pair.',
          example: '2026-03-01',
        }),
        rate: z
          .string()
          .regex(/^\d{1,12}(\.\d{1,12})?$/, 'a decimal number as text, such as "0.9214"')
          .meta({ description: 'Units of the other currency for one unit, as text.', example: '0.9214' }),
      }),
    ),
  )
  .meta({
    description: 'By the currency that is converted. At most 5,000 rates together.',
    example: { USD: [{ currency: 'EUR', day: '2026-03-01', rate: '0.9214' }] },
  })

const ratesSchema = z
  .object({
    rates: tableSchema,
    etag: settingFields.etag,
    updatedAt: timeText.nullable().meta({ description: 'Null: it was never made.' }),
  })
  .meta({
    id: 'BillingRates',
    description:
      'Exchange rates that the organization entered. Figures are converted by these alone, and only where `convert` asks for it.',
  })

const path = '/api/v1/organizations/{slug}/billing/rates'

export const getRates = operation({
  method: 'get',
  path,
  name: 'getBillingRates',
  tag: 'Billing',
  summary: 'The exchange rates that figures are converted by',
  access: 'read',
  versioned: true,
  params: organizationParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The table.',
  answer: ratesSchema,
  problems: [],
  async handle({ store, organization, signal }) {
    return present((await store.revenue.getRates({ organizationId: organization.id }, { signal })).rates)
  },
})

export const putRates = operation({
  method: 'put',
  path,
  name: 'putBillingRates',
  tag: 'Billing',
  summary: 'Enter the exchange rates that figures are converted by',
  description: 'Replaces the whole table. Figures of the past are converted anew by it.',
  access: 'administer',
  versioned: true,
  params: organizationParams,
  query: dryRunQuery,
  body: z.strictObject({ rates: tableSchema }).meta({ id: 'BillingRateTable' }),
  status: 200,
  answerDescription: 'The table.',
  answer: ratesSchema,
  problems: settingProblems,
  async handle({ store, organization, query, body, precondition, change, write, signal }) {
    const dryRun = query.dryRun ?? false
    const wanted = Object.entries(body.rates).flatMap(([from, rates]) =>
      rates.map(({ currency, day, rate }) => ({ from, to: currency, day, rate })),
    )
    const asked = { organizationId: organization.id, rates: { rates: wanted }, precondition, dryRun, change }
    const { rates, changes } = await orExplained(store.revenue.putRates(asked, write), {
      organization,
      spec: () => ({}),
      current: async () => {
        const known = await store.revenue.getRates({ organizationId: organization.id }, { signal })
        return present(known.rates)
      },
    })
    return dryRun ? new DryRun(present(rates), changes) : present(rates)
  },
})

function present(table: LedgerRates | undefined): z.input<typeof ratesSchema> {
  if (!table) throw new TypeError('the store answered without the rates')
  const byCurrency = Map.groupBy(table.rates, ({ from }) => from)
  return {
    rates: Object.fromEntries(
      [...byCurrency].map(([from, rates]) => [
        from,
        rates.map(({ to: currency, day, rate }) => ({ currency, day, rate })),
      ]),
    ),
    etag: table.etag,
    updatedAt: presentTime(table.updatedAt),
  }
}
