import type { BillingDays } from '@fairlead/client/gen/client'
import type { ReactNode } from 'react'

/** What figures say of themselves: as of when, and how sure. */
export type FiguresState = Pick<BillingDays, 'dataThrough' | 'incomplete' | 'restatedAt'>

export interface Time {
  readonly from: Date
  readonly until: Date
}

export interface RevenueQuestion {
  readonly after?: string
  readonly before: string
  readonly timeZone: string
  /** All amounts in this currency, by the organization's table of rates; absent: each in its own. */
  readonly convert?: string
  readonly mode: 'live' | 'test'
}

/** One declaration for each kind of figures. */
export interface RevenueView<Row> {
  readonly title: string
  /** What is counted, in a sentence or two. */
  readonly about: string
  /** What is so where there are no figures, as a sentence. */
  readonly nothing: string
  /** Where nothing is chosen, figures begin here. Absent: where the API has them begin. */
  readonly preset?: string
  readonly load: (
    slug: string,
    asked: RevenueQuestion,
    signal: AbortSignal,
  ) => Promise<{ readonly rows: readonly Row[]; readonly state: FiguresState }>
  /** Currencies are offered in the order in which rows have them. */
  readonly currencyOf: (row: Row) => string
  /** The rows of one currency, one at least; of the others for what stands beside. */
  readonly show: (rows: readonly Row[], all: readonly Row[], time: Time, currency: string) => ReactNode
}
