import type { LedgerFactPage, LedgerTransition } from '@fairlead/client/gen/client'
import type { ReactNode } from 'react'
import type { Doubtful } from './doubts-of.ts'
import type { ListName, Place } from './place.tsx'
import type { StatedNoun } from './states.ts'

export interface LedgerRow extends Place, Doubtful {
  readonly id: string
  readonly history: readonly LedgerTransition[]
}

export interface RowQuery {
  readonly mode: 'live' | 'test'
  readonly provider?: Place['provider']
  readonly account?: string
}

/** One declaration for each page of one row. */
export interface RowKind<Row extends LedgerRow> {
  readonly noun: 'plan' | 'customer' | 'subscription' | 'invoice' | 'payment'
  readonly list: ListName
  readonly load: (slug: string, id: string, query: RowQuery, signal: AbortSignal) => Promise<Row>
  readonly loadFacts: (
    slug: string,
    id: string,
    query: RowQuery & { readonly limit: number; readonly cursor?: string },
    signal: AbortSignal,
  ) => Promise<LedgerFactPage>
  readonly titleOf: (row: Row) => string
  /** Absent: it has no states. */
  readonly state?: { readonly noun: StatedNoun; readonly of: (row: Row) => string | null }
  readonly factsOf: (row: Row, slug: string) => readonly (readonly [string, ReactNode])[]
  /** Beside the title. */
  readonly tools?: (row: Row, slug: string) => ReactNode
  /** What is asked of it first, above its facts. */
  readonly above?: (row: Row, slug: string) => ReactNode
  /** What it is made of, below its facts. */
  readonly parts?: (row: Row, slug: string) => ReactNode
}
