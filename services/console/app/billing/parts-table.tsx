import type { ReactNode } from 'react'
import { ScrollX } from '../parts/scroll-x.tsx'

/** What a row consists of, or what belongs to it. */
export function PartsTable<Part extends { readonly id: string | null }>({
  title,
  parts,
  columns,
}: {
  readonly title: string
  readonly parts: readonly Part[]
  readonly columns: readonly (readonly [string, (part: Part) => ReactNode])[]
}) {
  return (
    <>
      <h2>{title}</h2>
      {parts.length === 0 ? (
        <p className="muted">None.</p>
      ) : (
        <ScrollX label={title}>
          <table className="plain">
            <caption className="visually-hidden">{title}</caption>
            <thead>
              <tr>
                {columns.map(([name]) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {parts.map((part, index) => (
                <tr key={part.id ?? index}>
                  {columns.map(([name, cell]) => (
                    <td key={name}>{cell(part)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollX>
      )}
      {parts.length === mostParts && <p className="muted">These are the newest {mostParts}.</p>}
    </>
  )
}

/** As many as the API shows with a row. */
const mostParts = 500
