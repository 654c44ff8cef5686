import { useSearch } from '@tanstack/react-router'
import { readTime } from '../read-time.ts'
import type { Search } from '../search-params.ts'

/** All rows that the filters fit, as files. */
export function ExportLinks({ url }: { readonly url: (query: Search) => string }) {
  const search: Search = useSearch({ strict: false })
  const { open: _, ...filters } = search
  const asked = { ...withTimes(filters), mode: filters.mode ?? 'live' }
  return (
    <>
      {(['csv', 'ndjson'] as const).map(format => (
        <a key={format} className="button small" href={url({ ...asked, format })} download>
          {format.toUpperCase()}
        </a>
      ))}
    </>
  )
}

/** With times as the API takes them. */
function withTimes(filters: Search): Search {
  const now = new Date()
  return Object.fromEntries(
    Object.entries(filters).map(([name, value]) => {
      const time = name === 'after' || name === 'before' ? readTime(value, now) : undefined
      return [name, time ? time.toISOString() : value]
    }),
  )
}
