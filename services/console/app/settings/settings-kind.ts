import type { DryRun } from '@fairlead/client/gen/client'
import type { ReactNode } from 'react'
import type { Right } from '../rights.ts'
import type { Draft } from './draft.ts'

/** What every setting says of itself. */
export interface Setting {
  readonly settings: Draft
  readonly etag: string
}

/** One declaration for each page that makes and changes settings of a kind. */
export interface SettingsKind<Item extends Setting> {
  /** `source`. */
  readonly noun: string
  /** The list's page, and its name in caches: `sources`. */
  readonly list: string
  readonly right: Right
  /** Default: below the organization, by the names above. */
  readonly listPath?: (slug: string) => string
  readonly pathOf?: (slug: string, key: string) => string
  /** One sentence below the title of one that is there. */
  readonly about?: ReactNode
  /** What a new one begins as. */
  readonly begin: (search: Readonly<Record<string, string>>) => Draft
  /** What it is called by in addresses. */
  readonly keyOf: (item: Item) => string
  readonly titleOf: (item: Item) => string
  /** Declared in Kubernetes or in a file: saving ends in a patch. */
  readonly isDeclared: (item: Item) => boolean
  readonly load: (slug: string, key: string, signal: AbortSignal) => Promise<Item>
  /** Absent: there is always one, and none is made. */
  readonly create?: (slug: string, draft: Draft, dryRun: boolean) => Promise<Item | DryRun>
  readonly put: (slug: string, key: string, draft: Draft, write: Write) => Promise<Item | DryRun>
  /** What the API says is there when somebody else was faster. Default: as it stands, with `settings` and `etag`. */
  readonly currentOf?: (current: unknown) => Setting
  /** What a field is called where faults are summed up; empty: its faults say where they are. Default: as the API calls it. */
  readonly nameOfFault?: (name: string) => string
  readonly remove?: {
    readonly confirm: (item: Item) => string
    readonly run: (slug: string, key: string, etag: string) => Promise<unknown>
  }
  readonly Fields: (props: { readonly slug: string; readonly item: Item | undefined }) => ReactNode
  /** Beside the title of one that is there. */
  readonly tools?: (item: Item, slug: string) => ReactNode
  /** Below the form. */
  readonly Below?: (props: { readonly slug: string; readonly item: Item }) => ReactNode
}

export interface Write {
  readonly etag: string
  readonly dryRun: boolean
}

export function listPathOf<Item extends Setting>(kind: SettingsKind<Item>, slug: string): string {
  return kind.listPath?.(slug) ?? `/organizations/${slug}/${kind.list}`
}

/** The query of a write that only says what it would do. */
export const dryRunParams = (dryRun: boolean) => (dryRun ? { dryRun: 'true' as const } : {})

/** The header that makes a write fail where somebody else was faster. */
export const ifMatch = (etag: string) => ({ 'If-Match': JSON.stringify(etag) })
