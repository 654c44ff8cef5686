import type { ReactNode } from 'react'
import type { Right } from '../rights.ts'

/** A page of a list, as the API answers it; lists without pages have no `next`. */
export interface Page<Item> {
  readonly items: readonly Item[]
  readonly next?: string | null
  /** On the first page of a list that can be followed live: where its stream goes on. */
  readonly position?: string | null
  /** How far the page looked, where it ends before it is full. */
  readonly searched?: { readonly count: number; readonly until: string } | null
  /** The list forgot rows of this page: it has older ones that nothing loads. */
  readonly isCut?: boolean
}

/**
 * One declaration for each page that lists something: what Django's ModelAdmin is to a model. All that a person has chosen
 * stands in the address.
 */
export interface Resource<Item> {
  /** Names the page in addresses and caches: `events`. */
  readonly name: string
  readonly title: string
  /** One sentence below the title. */
  readonly about?: ReactNode
  readonly columns: readonly Column<Item>[]
  readonly filters: readonly Filter[]
  readonly load: (asked: Asked) => Promise<Page<Item>>
  readonly idOf: (item: Item) => string
  /** What a row is called where it is spoken of. */
  readonly labelOf: (item: Item) => string
  /** The page of one; absent: `details` opens below the row, or nothing does. */
  readonly pathOf?: (item: Item, slug: string) => string
  /** What the page's address says beside its path. */
  readonly searchOf?: (item: Item) => Readonly<Record<string, string>>
  readonly details?: (item: Item, slug: string) => ReactNode
  readonly actions?: readonly Action<Item>[]
  /** Controls of a row that ask for more than a yes. */
  readonly tools?: (item: Item, slug: string) => ReactNode
  /** The page that changes one. */
  readonly editOf?: (item: Item, slug: string) => string
  /** Between the filters and the list, of which so many rows are loaded. */
  readonly above?: (slug: string, rows: number) => ReactNode
  /** Beside the title. */
  readonly toolbar?: (slug: string) => ReactNode
  /** What to say, and to do next, where there is nothing yet. */
  readonly nothingYet: (slug: string) => ReactNode
  /** How far back the list goes, said at its end. */
  readonly kept?: string
  /** The address of the stream that keeps the list current; undefined with filters that a stream doesn't have. */
  readonly live?: (slug: string, filters: Readonly<Record<string, string>>) => string | undefined
  /** Loaded again this often, ms, while the page is looked at; absent: by hand. */
  readonly refreshMs?: number
}

export interface Asked {
  readonly slug: string
  readonly filters: Readonly<Record<string, string>>
  readonly cursor: string | undefined
  readonly signal: AbortSignal
}

export interface Column<Item> {
  readonly title: string
  readonly cell: (item: Item, slug: string) => ReactNode
  /** `wide`: not where the page is narrower than 92 characters; `roomy`: nor where it is narrower than 118. */
  readonly shown?: 'always' | 'wide' | 'roomy'
  /** `titled`: on a phone, where a row is a card without heads, the title stands before the cell. */
  readonly className?: string
}

export type Filter =
  | {
      readonly kind: 'choice'
      readonly name: string
      readonly label: string
      readonly choices: readonly string[]
      /** What holds where none is chosen. Default: any. */
      readonly otherwise?: string
    }
  | {
      readonly kind: 'text' | 'search'
      readonly name: string
      readonly label: string
      readonly placeholder?: string
    }
  | { readonly kind: 'time'; readonly name: string; readonly label: string }

/** Live and test data are apart: a list shows both, or one. */
export const modeFilter: Filter = { kind: 'choice', name: 'mode', label: 'Mode', choices: ['live', 'test'] }

/** What can be done to a row. The button of an action whose right is missing says who has it. */
export interface Action<Item> {
  readonly label: string
  readonly right: Right
  /** Absent: always there. */
  readonly applies?: (item: Item) => boolean
  /** Asked before it is done, with what will follow. */
  readonly confirm?: (item: Item) => string
  readonly tone?: 'danger'
  readonly run: (item: Item, slug: string) => Promise<unknown>
  /** Said when it has been done. */
  readonly done: (item: Item) => string
  /** `r`, say: does it to the row in focus. */
  readonly key?: string
}
