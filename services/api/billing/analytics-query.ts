import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { RevenueState } from '@fairlead/wire/store/revenue'
import { z } from 'zod'
import { plainText, since } from '../query.ts'
import { presentTime, timeText } from '../time.ts'
import { money, moneySchema } from './schemas.ts'

/** The query and the frame that all figures of the ledger share. */

const currencyText = z
  .string()
  .regex(/^[A-Za-z]{3}$/)
  .transform(text => text.toUpperCase())

/** Of figures by day. */
export const figuresQuery = {
  after: since.optional().meta({ description: 'From this time on. Default: 30 days before `before`.' }),
  before: since.optional().meta({ description: 'Default: now.' }),
  timeZone: plainText(64).optional().meta({
    description:
      'Days and months begin as they do there: a name of the IANA database, no offset and no abbreviation. Default UTC.',
    example: 'Europe/Berlin',
  }),
  currency: currencyText.optional().meta({ description: 'Default: each.', example: 'USD' }),
  convert: currencyText.optional().meta({
    description:
      'All amounts as this currency, by the organization’s table of rates (`GET …/billing/rates`): each day by the rate in force on it. Without it nothing is converted. Customers then count once, in whatever currencies they pay.',
    example: 'EUR',
  }),
  rateDay: z.iso.date().optional().meta({
    description:
      'With `convert`: all amounts by the rates of this one day, so that changes of rates move nothing.',
    example: '2026-03-31',
  }),
}

/** Of figures by month. */
export const monthsQuery = {
  ...figuresQuery,
  after: since.optional().meta({
    description:
      'From this time on. Default: the start of the month eleven months before that in which the time ends, so that it has twelve months.',
  }),
}

type FiguresQuery = Readonly<
  Partial<Record<'timeZone' | 'currency' | 'convert' | 'rateDay', string | undefined>> &
    Partial<Record<'after' | 'before', ReturnType<typeof timestampFromMs> | undefined>>
>

/** The store's question. */
export const questionOf = (organizationId: string, query: FiguresQuery, nowMs: number) => ({
  organizationId,
  ...(query.after && { after: query.after }),
  before: query.before ?? timestampFromMs(nowMs),
  timeZone: query.timeZone ?? '',
  currency: query.currency ?? '',
  convert: query.convert ?? '',
  rateDay: query.rateDay ?? '',
})

/** What each answer says of itself. */
export const stateFields = {
  asOf: timeText,
  dataThrough: timeText.nullable().meta({ description: 'The newest event that the ledger knows.' }),
  incomplete: z.int().meta({
    description: 'Subscriptions whose items the provider cut short: their revenue is not known for certain.',
  }),
  restatedAt: timeText.nullable().meta({
    description:
      'When a late event last changed a figure of this time after its day was closed, which is 24 hours after its end. `…/analytics/restatements` tells which, and by how much.',
  }),
}

export const presentState = (
  state: Pick<RevenueState, 'dataThrough' | 'incomplete' | 'restatedAt'> | undefined,
  nowMs: number,
) => ({
  asOf: new Date(nowMs).toISOString(),
  dataThrough: presentTime(state?.dataThrough),
  incomplete: Number(state?.incomplete ?? 0n),
  restatedAt: presentTime(state?.restatedAt),
})

/** Of an amount whose currency is known. */
export function moneyOf(amount: bigint, currency: string): z.input<typeof moneySchema> {
  const shown = money(String(amount), currency)
  if (!shown) throw new TypeError('the store answered without a currency')
  return shown
}

/** A share, exactly as the formula gives it: a decimal text of six digits. */
export const shareText = (description: string) =>
  z
    .string()
    .regex(/^-?\d+\.\d{6}$/)
    .nullable()
    .meta({ description: `${description} Null: there is nothing to divide by.`, example: '0.041667' })

export const mrrSchema = z
  .object({
    start: moneySchema,
    new: moneySchema,
    reactivation: moneySchema,
    expansion: moneySchema,
    contraction: moneySchema,
    churn: moneySchema,
    fx: moneySchema.meta({ description: 'What exchange rates moved; 0 without `convert`.' }),
    end: moneySchema,
  })
  .meta({
    id: 'BillingMrr',
    description:
      'Monthly recurring revenue: start + new + reactivation + expansion − contraction − churn + fx = end, to the minor unit.',
  })

interface Bridge {
  readonly currency: string
  readonly mrrStart: bigint
  readonly mrrNew: bigint
  readonly mrrReactivation: bigint
  readonly mrrExpansion: bigint
  readonly mrrContraction: bigint
  readonly mrrChurn: bigint
  readonly mrrFx: bigint
  readonly mrrEnd: bigint
}

export function presentMrr(bridge: Bridge): z.input<typeof mrrSchema> {
  const of = (amount: bigint) => moneyOf(amount, bridge.currency)
  return {
    start: of(bridge.mrrStart),
    new: of(bridge.mrrNew),
    reactivation: of(bridge.mrrReactivation),
    expansion: of(bridge.mrrExpansion),
    contraction: of(bridge.mrrContraction),
    churn: of(bridge.mrrChurn),
    fx: of(bridge.mrrFx),
    end: of(bridge.mrrEnd),
  }
}
