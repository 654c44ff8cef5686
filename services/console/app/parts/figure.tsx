import type { ReactNode } from 'react'

/** A number that is read at a glance, and what it counts. */
export function Figure({ name, value }: { readonly name: string; readonly value: ReactNode }) {
  return (
    <div className="figure">
      <div className="value">{value}</div>
      <div className="muted">{name}</div>
    </div>
  )
}
