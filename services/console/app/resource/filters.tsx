import { type FormEvent, type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import { moveTo } from '../keys.ts'
import { readTime } from '../read-time.ts'
import type { Search } from '../search-params.ts'
import { zoneName } from '../time.tsx'
import type { Filter } from './resource.ts'

interface FiltersProps {
  readonly filters: readonly Filter[]
  readonly search: Search
  readonly change: (name: string, value: string) => void
}

/** The filters of a list. Choices act at once; text does when it is entered or left. */
export function Filters({ filters, search, change }: FiltersProps) {
  if (filters.length === 0) return null
  return (
    <search className="filters">
      {filters.map(filter =>
        filter.kind === 'choice' ? (
          <Choice key={filter.name} filter={filter} value={search[filter.name] ?? ''} change={change} />
        ) : (
          <Text key={filter.name} filter={filter} value={search[filter.name] ?? ''} change={change} />
        ),
      )}
    </search>
  )
}

function Choice({
  filter,
  value,
  change,
}: {
  readonly filter: Extract<Filter, { kind: 'choice' }>
  readonly value: string
  readonly change: FiltersProps['change']
}) {
  return (
    <label className="field">
      <span>{filter.label}</span>
      <select value={value} onChange={event => change(filter.name, event.target.value)}>
        <option value="">{filter.otherwise ?? 'any'}</option>
        {filter.choices.map(choice => (
          <option key={choice} value={choice}>
            {choice.replaceAll('_', ' ')}
          </option>
        ))}
      </select>
    </label>
  )
}

function Text({
  filter,
  value,
  change,
}: {
  readonly filter: Exclude<Filter, { kind: 'choice' }>
  readonly value: string
  readonly change: FiltersProps['change']
}) {
  const [typed, setTyped] = useState(value)
  const [wrong, setWrong] = useState(false)
  const faultId = useId()
  const last = useRef(value)
  useEffect(() => {
    if (last.current !== value) setTyped(value)
    last.current = value
  }, [value])
  const enter = (event?: FormEvent) => {
    event?.preventDefault()
    const isWrong = filter.kind === 'time' && typed !== '' && !readTime(typed, new Date())
    setWrong(isWrong)
    if (!isWrong && typed.trim() !== value) change(filter.name, typed.trim())
  }
  const leave = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === 'ArrowDown') moveTo('next')
    else if (event.key === 'Escape') event.currentTarget.blur()
    else return
    event.preventDefault()
  }
  const isTime = filter.kind === 'time'
  return (
    <form className={`field ${filter.kind}`} onSubmit={enter}>
      <label>
        <span>{filter.label}</span>
        <input
          type={filter.kind === 'search' ? 'search' : 'text'}
          data-search={filter.kind === 'search' || undefined}
          value={typed}
          placeholder={isTime ? '-2h, ISO, epoch' : (filter.placeholder ?? '')}
          title={isTime ? `-2h, yesterday 14:00, ISO 8601 or epoch; in ${zoneName}` : undefined}
          aria-invalid={wrong}
          aria-describedby={wrong ? faultId : undefined}
          autoComplete="off"
          spellCheck={false}
          onChange={event => setTyped(event.target.value)}
          onBlur={() => enter()}
          onKeyDown={leave}
        />
      </label>
      {wrong && (
        <span id={faultId} className="fault" role="alert">
          Not a time: try -2h, yesterday 14:00 or 2026-01-31T09:00
        </span>
      )}
    </form>
  )
}
