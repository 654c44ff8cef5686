import {
  type BillingArpu,
  type BillingChurn,
  type BillingCohort,
  type BillingDay,
  type BillingLtv,
  type BillingRecoveryMonth,
  type BillingRestatement,
  listBillingArpu,
  listBillingChurn,
  listBillingCohorts,
  listBillingDays,
  listBillingLtv,
  listBillingRecovery,
  listBillingRestatements,
} from '@fairlead/client/gen/client'
import type { ApiClient } from '../api-client.ts'
import { exitCode } from '../command-error.ts'
import { type Column, printTable } from '../table.ts'
import { moreNote } from '../take-pages.ts'
import type { Terminal } from '../terminal.ts'
import { moneyText, shareText } from './money-text.ts'

/** Figures of the ledger as tables. */

export const figureNames = ['days', 'churn', 'arpu', 'ltv', 'cohorts', 'recovery', 'restatements'] as const
export type FigureName = (typeof figureNames)[number]

export interface FiguresAsked {
  readonly slug: string
  readonly name: FigureName
  /** `limit` is of restatements alone. */
  readonly query: Readonly<Record<string, string | number>>
  readonly json: boolean
}

/** What all answers but restatements say of themselves. */
interface Stated {
  readonly dataThrough: string | null
  readonly incomplete: number
  readonly restatedAt: string | null
}

export async function showFigures(api: ApiClient, asked: FiguresAsked, terminal: Terminal): Promise<number> {
  const { slug, query, json } = asked
  const show = <Row>(
    answer: Stated,
    columns: Column<Row>[],
    rows: readonly Row[],
    nothing?: string,
  ): void => {
    if (json) {
      terminal.print(JSON.stringify(answer))
      return
    }
    if (rows.length > 0) printTable(columns, rows, terminal)
    else terminal.note(nothing ?? 'There is nothing in this time.')
    sayState(answer, terminal)
  }
  switch (asked.name) {
    case 'days': {
      const answer = await api.ask(call => listBillingDays(slug, query, call))
      show(answer, dayColumns, answer.days, nothingMoved)
      break
    }
    case 'churn': {
      const answer = await api.ask(call => listBillingChurn(slug, query, call))
      show(answer, churnColumns, answer.periods)
      break
    }
    case 'arpu': {
      const answer = await api.ask(call => listBillingArpu(slug, query, call))
      show(answer, arpuColumns, answer.periods)
      break
    }
    case 'ltv': {
      const answer = await api.ask(call => listBillingLtv(slug, query, call))
      show(answer, ltvColumns, answer.periods)
      break
    }
    case 'cohorts': {
      const answer = await api.ask(call => listBillingCohorts(slug, query, call))
      show(answer, cohortColumns(answer.cohorts), answer.cohorts)
      break
    }
    case 'recovery': {
      const answer = await api.ask(call => listBillingRecovery(slug, query, call))
      show(answer, recoveryColumns, answer.months)
      break
    }
    case 'restatements': {
      const { items, next } = await api.ask(call => listBillingRestatements(slug, query, call))
      if (json) for (const row of items) terminal.print(JSON.stringify(row))
      else if (items.length > 0) printTable(restatementColumns, items, terminal)
      else terminal.note('No closed day has changed.')
      if (next !== null && !json) terminal.note(moreNote)
      break
    }
    default:
      asked.name satisfies never
  }
  return exitCode.ok
}

/** What stands in a quiet time is in no day. */
const nothingMoved = 'Nothing moved in this time. What there is: fairlead billing analytics arpu'

function sayState({ dataThrough, incomplete, restatedAt }: Stated, terminal: Terminal): void {
  terminal.note(dataThrough === null ? 'The ledger knows no event yet.' : `Data through ${dataThrough}.`)
  if (incomplete > 0)
    terminal.note(
      `The revenue of ${incomplete} subscriptions is not known for certain: the provider cut lists short.`,
    )
  if (restatedAt !== null)
    terminal.note(`Closed days changed, last at ${restatedAt}: fairlead billing analytics restatements`)
}

const currency: Column<{ readonly currency: string }> = { title: 'CURRENCY', text: row => row.currency }

const dayColumns: Column<BillingDay>[] = [
  { title: 'DAY', text: row => row.day },
  { title: 'MRR', text: row => moneyText(row.mrr.end), alignRight: true },
  { title: 'NEW', text: row => moneyText(row.mrr.new), alignRight: true, optional: true },
  { title: 'CHURN', text: row => moneyText(row.mrr.churn), alignRight: true, optional: true },
  { title: 'SUBSCRIBERS', text: row => String(row.subscribers), alignRight: true },
  { title: 'PAID', text: row => moneyText(row.paid), alignRight: true },
  { title: 'REFUNDED', text: row => moneyText(row.refunded), alignRight: true, optional: true },
]

const churnColumns: Column<BillingChurn>[] = [
  { title: 'PERIOD', text: row => row.period },
  currency,
  { title: 'CUSTOMERS', text: row => shareText(row.customerChurn.standard), alignRight: true },
  { title: 'AS STRIPE', text: row => shareText(row.customerChurn.stripe), alignRight: true },
  { title: 'GROSS REVENUE', text: row => shareText(row.revenueChurn.gross), alignRight: true },
  { title: 'NET REVENUE', text: row => shareText(row.revenueChurn.net), alignRight: true },
  { title: 'MRR', text: row => moneyText(row.mrr.end), alignRight: true, optional: true },
]

const arpuColumns: Column<BillingArpu>[] = [
  { title: 'PERIOD', text: row => row.period },
  currency,
  { title: 'ARPU', text: row => moneyText(row.arpu), alignRight: true },
  { title: 'MRR', text: row => moneyText(row.mrr), alignRight: true },
  { title: 'SUBSCRIBERS', text: row => String(row.subscribers), alignRight: true },
]

const ltvColumns: Column<BillingLtv>[] = [
  { title: 'PERIOD', text: row => row.period },
  currency,
  { title: 'LTV', text: row => moneyText(row.ltv), alignRight: true },
  { title: 'ARPU', text: row => moneyText(row.arpu), alignRight: true },
  { title: 'CHURN', text: row => shareText(row.customerChurn), alignRight: true },
]

/** A column for each month that any of the cohorts has. */
function cohortColumns(cohorts: readonly BillingCohort[]): Column<BillingCohort>[] {
  const longest = Math.max(0, ...cohorts.map(({ months }) => months.length))
  return [
    { title: 'COHORT', text: row => row.month },
    currency,
    { title: 'SIZE', text: row => String(row.size), alignRight: true },
    ...Array.from({ length: longest }, (_, index) => ({
      title: `+${index}`,
      text: (row: BillingCohort) => shareText(row.months[index]?.retention ?? null),
      alignRight: true,
      optional: true,
    })),
  ]
}

const recoveryColumns: Column<BillingRecoveryMonth>[] = [
  { title: 'MONTH', text: row => row.month },
  currency,
  { title: 'FAILED', text: row => String(row.failed), alignRight: true },
  { title: 'RECOVERED', text: row => String(row.recovered), alignRight: true },
  { title: 'PENDING', text: row => String(row.pending), alignRight: true },
  { title: 'RATE', text: row => shareText(row.rate), alignRight: true },
  { title: 'AMOUNT', text: row => moneyText(row.recoveredAmount), alignRight: true },
]

const restatementColumns: Column<BillingRestatement>[] = [
  { title: 'DAY', text: row => row.day },
  { title: 'MODE', text: row => row.mode, optional: true },
  { title: 'MRR', text: row => moneyText(row.mrr), alignRight: true },
  { title: 'PAID', text: row => moneyText(row.paid), alignRight: true },
  { title: 'REFUNDED', text: row => moneyText(row.refunded), alignRight: true },
  { title: 'LOST', text: row => moneyText(row.lost), alignRight: true },
  { title: 'LAST CHANGED', text: row => row.lastAt },
]
