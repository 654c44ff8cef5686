import { type FormEvent, type ReactNode, useState } from 'react'

/** Above so many deliveries the number is typed, not clicked. */
const typedAbove = 1_000

/** A form whose effect grows with a number: of a large one it wants the number typed. */
export function SureOf({
  count,
  sure,
  children,
}: {
  readonly count: number
  readonly sure: () => void
  /** @param isSure whether it may be sent now */
  readonly children: (isSure: boolean) => ReactNode
}) {
  const [typed, setTyped] = useState('')
  const isSure = count <= typedAbove || typed.replaceAll(/\D/g, '') === String(count)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (isSure) sure()
  }
  return (
    <form className="note form" onSubmit={submit}>
      {count > typedAbove && (
        <label>
          Type the number of deliveries to go on: {count.toLocaleString()}{' '}
          <input value={typed} inputMode="numeric" onChange={({ target }) => setTyped(target.value)} />
        </label>
      )}
      {children(isSure)}
    </form>
  )
}
