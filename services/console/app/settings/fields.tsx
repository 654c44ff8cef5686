import { createContext, type ReactNode, useContext, useId } from 'react'
import { type Draft, valueAt } from './draft.ts'

/** The setting that is typed, for its fields. */
export interface DraftForm {
  readonly draft: Draft
  readonly set: (path: string, value: unknown) => void
  /** What the API found wrong, by the field's path. */
  readonly faults: ReadonlyMap<string, string>
  readonly disabled: boolean
}

export const DraftContext = createContext<DraftForm | undefined>(undefined)

export function useDraft(): DraftForm {
  const form = useContext(DraftContext)
  if (!form) throw new TypeError('a field stands outside a form')
  return form
}

interface FieldProps {
  /** Where its value is in the setting: `secrets.0.value`. */
  readonly path: string
  readonly label: string
  readonly help?: ReactNode
}

/** A label, its control, what helps, and what is wrong with it. */
function Field({
  path,
  label,
  help,
  children,
  className = '',
  deep = false,
}: FieldProps & {
  readonly className?: string
  /** Its value is a list, whose entries have faults of their own. */
  readonly deep?: boolean
  readonly children: (attributes: {
    readonly id: string
    readonly 'aria-invalid': boolean
    readonly 'aria-describedby': string | undefined
    readonly disabled: boolean
  }) => ReactNode
}) {
  const id = useId()
  const { faults, disabled } = useDraft()
  const fault = faults.get(path) ?? (deep ? faultWithin(faults, path) : undefined)
  const described = [help && `${id}-help`, fault && `${id}-fault`].filter(Boolean).join(' ')
  return (
    <div className={`setting ${className}`}>
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        'aria-invalid': fault !== undefined,
        'aria-describedby': described || undefined,
        disabled,
      })}
      {help && (
        <p id={`${id}-help`} className="help">
          {help}
        </p>
      )}
      {fault && (
        <p id={`${id}-fault`} className="fault">
          {fault}
        </p>
      )}
    </div>
  )
}

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
  ...field
}: FieldProps & { readonly placeholder?: string; readonly numbers?: boolean }) {
  const { draft, set } = useDraft()
  const values = valueAt(draft, field.path)
  const typed = Array.isArray(values) ? values.join('\n') : ''
  return (
    <Field {...field} deep>
      {attributes => (
        <textarea
          {...attributes}
          rows={3}
          defaultValue={typed}
          placeholder={placeholder}
          spellCheck={false}
          onChange={({ target }) => {
            const lines = target.value.split('\n').flatMap(line => line.trim() || [])
            set(field.path, lines.length === 0 ? undefined : numbers ? lines.map(Number) : lines)
          }}
        />
      )}
    </Field>
  )
}

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

function faultWithin(faults: ReadonlyMap<string, string>, path: string): string | undefined {
  for (const [name, fault] of faults) {
    if (name.startsWith(`${path}.`)) return `${Number(name.slice(path.length + 1)) + 1}: ${fault}`
  }
  return undefined
}

export function textAt(draft: Draft, path: string): string {
  const value = valueAt(draft, path)
  return value === undefined || value === null ? '' : String(value)
}
