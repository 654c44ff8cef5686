import { type ReactNode, useState } from 'react'
import { valueAt } from './draft.ts'
import { Field, type FieldProps, textAt, useDraft } from './field.tsx'
import { typedLines } from './lines.ts'

/** One line of text. */
export function TextField({
  placeholder,
  required,
  locked,
  ...field
}: FieldProps & { readonly placeholder?: string; readonly required?: boolean; readonly locked?: boolean }) {
  const { draft, set } = useDraft()
  return (
    <Field {...field}>
      {attributes => (
        <input
          {...attributes}
          disabled={attributes.disabled || locked === true}
          value={textAt(draft, field.path)}
          placeholder={placeholder}
          required={required}
          autoComplete="off"
          spellCheck={false}
          onChange={({ target }) => set(field.path, target.value)}
        />
      )}
    </Field>
  )
}

/** A secret: written, and never shown again by anyone. */
export function SecretField({
  stored,
  lines,
  ...field
}: FieldProps & { readonly stored: boolean; readonly lines?: boolean }) {
  const { draft, set } = useDraft()
  const placeholder = stored ? 'stored; leave empty to keep it' : ''
  return (
    <Field {...field}>
      {attributes =>
        lines ? (
          <textarea
            {...attributes}
            rows={4}
            className="payload"
            value={textAt(draft, field.path)}
            placeholder={placeholder || '-----BEGIN …'}
            spellCheck={false}
            autoComplete="off"
            onChange={({ target }) => set(field.path, target.value)}
          />
        ) : (
          <input
            {...attributes}
            type="password"
            value={textAt(draft, field.path)}
            placeholder={placeholder}
            autoComplete="new-password"
            spellCheck={false}
            onChange={({ target }) => set(field.path, target.value)}
          />
        )
      }
    </Field>
  )
}

export function NumberField({
  placeholder,
  min,
  max,
  ...field
}: FieldProps & { readonly placeholder?: string; readonly min: number; readonly max: number }) {
  const { draft, set } = useDraft()
  const typed = valueAt(draft, field.path)
  return (
    <Field {...field} className="short">
      {attributes => (
        <input
          {...attributes}
          type="number"
          min={min}
          max={max}
          step={1}
          value={typeof typed === 'number' ? typed : ''}
          placeholder={placeholder}
          onChange={({ target }) => set(field.path, target.value === '' ? undefined : target.valueAsNumber)}
        />
      )}
    </Field>
  )
}

/** One of several; `''` takes the field away, so that the default holds. */
export function ChoiceField({
  choices,
  ...field
}: FieldProps & { readonly choices: Readonly<Record<string, string>> }) {
  const { draft, set } = useDraft()
  return (
    <Field {...field}>
      {attributes => (
        <select
          {...attributes}
          value={textAt(draft, field.path)}
          onChange={({ target }) => set(field.path, target.value)}
        >
          {Object.entries(choices).map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

/** Yes or no. */
export function CheckField({ byDefault = false, ...field }: FieldProps & { readonly byDefault?: boolean }) {
  const { draft, set } = useDraft()
  const value = valueAt(draft, field.path)
  return (
    <Field {...field} className="check">
      {attributes => (
        <input
          {...attributes}
          type="checkbox"
          checked={typeof value === 'boolean' ? value : byDefault}
          onChange={({ target }) =>
            set(field.path, target.checked === byDefault ? undefined : target.checked)
          }
        />
      )}
    </Field>
  )
}

/** Texts, one on each line; or numbers. */
export function LinesField({
  placeholder,
  numbers = false,
  rows = 3,
  ...field
}: FieldProps & { readonly placeholder?: string; readonly numbers?: boolean; readonly rows?: number }) {
  const { draft, set } = useDraft()
  const values = valueAt(draft, field.path)
  const [typed, setTyped] = useState(Array.isArray(values) ? values.join('\n') : '')
  return (
    <Field {...field} lineOf={typedLines(typed).numberOf}>
      {attributes => (
        <textarea
          {...attributes}
          rows={rows}
          value={typed}
          placeholder={placeholder}
          spellCheck={false}
          onChange={({ target }) => {
            setTyped(target.value)
            const { texts } = typedLines(target.value)
            set(field.path, texts.length === 0 ? undefined : numbers ? texts.map(Number) : texts)
          }}
        />
      )}
    </Field>
  )
}

/** Some of several. */
export function ChoicesField({
  path,
  label,
  choices,
  chosen,
  whenNone,
  children,
}: Pick<FieldProps, 'path' | 'label'> & {
  /** Values and what stands beside each. */
  readonly choices: readonly (readonly [string, ReactNode])[]
  /** Chosen where the draft says nothing. Default: none. */
  readonly chosen?: readonly string[]
  /** The field's value once none is chosen. Default: it is taken away, so that the API's default holds. */
  readonly whenNone?: readonly string[]
  readonly children?: ReactNode
}) {
  const { draft, set, faults, disabled } = useDraft()
  const value = valueAt(draft, path)
  const now = Array.isArray(value) ? (value as string[]) : (chosen ?? [])
  const toggle = (name: string) => {
    const next = now.includes(name) ? now.filter(each => each !== name) : [...now, name]
    set(path, next.length === 0 ? whenNone : next)
  }
  const fault = [...faults].find(([name]) => name === path || name.startsWith(`${path}.`))?.[1]
  return (
    <fieldset className="entry">
      <legend>{label}</legend>
      {children}
      {choices.map(([name, said]) => (
        <label key={name} className="choice">
          <input
            type="checkbox"
            checked={now.includes(name)}
            disabled={disabled}
            onChange={() => toggle(name)}
          />
          {said}
        </label>
      ))}
      {fault && <p className="fault">{fault}</p>}
    </fieldset>
  )
}

/** How many a second, and how many at once. */
export function RateLimitFields() {
  return (
    <>
      <NumberField
        path="rateLimit.perSecond"
        label="At most a second"
        min={1}
        max={100_000}
        placeholder="no limit"
      />
      <NumberField
        path="rateLimit.burst"
        label="At once after a quiet time"
        min={1}
        max={1_000_000}
        placeholder="twice as many"
      />
    </>
  )
}
