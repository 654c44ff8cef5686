import type { LedgerTransition } from '@fairlead/client/gen/client'

/** One attribute that changed, as a sentence has it. */
export interface Change {
  readonly name: string
  readonly before: string
  readonly after: string
  /** Its values are times, ISO 8601; empty: none. */
  readonly isTime: boolean
}

type Fields = Readonly<Record<string, unknown>>

/** What a transition changed, attribute by attribute; of the first the state alone, since all else is new. */
export function changesOf({
  changes,
  from,
  to,
}: Pick<LedgerTransition, 'changes' | 'from' | 'to'>): Change[] {
  const [before, after] = [fieldsOf(from), fieldsOf(to)]
  const names = from === null ? changes.filter(name => name === 'status') : changes
  return names.map(name => {
    const isTime = name.endsWith('At')
    const said = isTime ? timeSaid : valueSaid
    return { name: wordsOf(name), before: said(before[name]), after: said(after[name]), isTime }
  })
}

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {}

/** `cancelAtPeriodEnd` as `cancel at period end`. */
export function wordsOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`)
}

function timeSaid(value: unknown): string {
  return typeof value === 'number' ? new Date(value).toISOString() : ''
}

/** A value in a few words: lists by their length, since what is in them is shown as it is below. */
function valueSaid(value: unknown): string {
  if (value === null || value === undefined) return 'none'
  if (Array.isArray(value)) return value.length === 1 ? '1 entry' : `${value.length} entries`
  if (typeof value === 'object') return 'set'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return String(value).replaceAll('_', ' ')
}
