import type { ReactNode } from 'react'
import { type Draft, valueAt } from './draft.ts'
import { useDraft } from './field.tsx'

/** Entries of a list, each with fields of its own. */
export function EntryList({
  path,
  noun,
  children,
}: {
  readonly path: string
  readonly noun: string
  readonly children: (path: string, index: number) => ReactNode
}) {
  const { draft, set, disabled } = useDraft()
  const entries = entriesAt(draft, path)
  const without = (index: number) => entries.filter((_, at) => at !== index)
  return entries.map((_, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: an entry has no other name until it has one
    <fieldset key={index} className="entry">
      <legend>
        {noun} {index + 1}
      </legend>
      {children(`${path}.${index}`, index)}
      <button
        type="button"
        className="button small danger"
        disabled={disabled}
        onClick={() => set(path, entries.length === 1 ? undefined : without(index))}
      >
        Take away<span className="visually-hidden"> {`${noun} ${index + 1}`}</span>
      </button>
    </fieldset>
  ))
}

export function AddEntry({
  path,
  label,
  entry,
}: {
  readonly path: string
  readonly label: string
  readonly entry: Draft
}) {
  const { draft, set, disabled } = useDraft()
  return (
    <button
      type="button"
      className="button small"
      disabled={disabled}
      onClick={() => set(path, [...entriesAt(draft, path), entry])}
    >
      {label}
    </button>
  )
}

export function entriesAt(draft: Draft, path: string): readonly Draft[] {
  const value = valueAt(draft, path)
  return Array.isArray(value) ? value : []
}
