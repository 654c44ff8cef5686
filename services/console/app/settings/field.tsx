import { createContext, type ReactNode, useContext, useId } from 'react'
import { type Draft, valueAt } from './draft.ts'
import { faultOfLine, type TypedLines } from './lines.ts'

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

export interface FieldProps {
  /** Where its value is in the setting: `secrets.0.value`. */
  readonly path: string
  readonly label: string
  readonly help?: ReactNode
}

/** A label, its control, what helps, and what is wrong with it. */
export function Field({
  path,
  label,
  help,
  children,
  className = '',
  lineOf,
}: FieldProps & {
  readonly className?: string
  /** Where the value is a list that is typed in lines: the number of the line that an entry's fault is on. */
  readonly lineOf?: TypedLines['numberOf']
  readonly children: (attributes: {
    readonly id: string
    readonly 'aria-invalid': boolean
    readonly 'aria-describedby': string | undefined
    readonly disabled: boolean
  }) => ReactNode
}) {
  const id = useId()
  const { faults, disabled } = useDraft()
  const fault = faults.get(path) ?? (lineOf && faultOfLine(faults, path, lineOf))
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

export function textAt(draft: Draft, path: string): string {
  const value = valueAt(draft, path)
  return value === undefined || value === null ? '' : String(value)
}
