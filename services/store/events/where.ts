import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt'

/** Conditions that are joined by `and`, with their values. */
export interface Conditions {
  readonly values: unknown[]
  /** Adds a value and a condition on it; `text` is given the value's place (`$3`). */
  add(text: (place: string) => string, value: unknown): void
  /** Adds a condition without a value. */
  also(text: string): void
  /** Never empty: every statement is for one organization at least. */
  text(): string
}

export function conditions(): Conditions {
  const texts: string[] = []
  const values: unknown[] = []
  return {
    values,
    add(text, value) {
      texts.push(text(`$${values.push(value)}`))
    },
    also: text => void texts.push(text),
    text: () => texts.join(' and '),
  }
}

export function dateOf(timestamp: Timestamp | undefined): Date | undefined {
  return timestamp && timestampDate(timestamp)
}

export const escapeLike = (text: string): string => text.replace(/[\\%_]/g, '\\$&')

/** Whether one of an event's types fits a condition on `type`. @param table of the event's row */
export const anyType = (table: string, fits: (type: string) => string): string =>
  `(${fits(`${table}.type`)} or exists (select from unnest(${table}.types) as t (type) where ${fits('t.type')}))`

/** A glob (`*` stands for any characters) as a pattern of `like`. */
export const likeOfGlob = (glob: string): string => escapeLike(glob).replaceAll('*', '%')
