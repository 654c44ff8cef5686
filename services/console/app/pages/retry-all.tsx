import { type CreateRetryBodyFilter, createRetry } from '@fairlead/client/gen/client'
import { useSearch } from '@tanstack/react-router'
import { once, take } from '../call.ts'
import { readTime } from '../read-time.ts'
import { PlanRetry } from './retry-issue.tsx'

/** Plans a retry of every dead letter that the filters of the page match, up to now. */
export function RetryAll({ slug }: { readonly slug: string }) {
  const search = useSearch({ strict: false }) as Readonly<Record<string, string>>
  return (
    <PlanRetry
      slug={slug}
      label="Retry all that match …"
      plan={() => take(createRetry(slug, { filter: filterOf(search, new Date()), dryRun: true }, once()))}
    />
  )
}

const names = ['destination', 'source', 'type', 'reason'] as const

function filterOf(search: Readonly<Record<string, string>>, now: Date): CreateRetryBodyFilter {
  const iso = (text: string | undefined) => (text ? readTime(text, now)?.toISOString() : undefined)
  const diedAfter = iso(search.diedAfter)
  return {
    ...Object.fromEntries(names.flatMap(name => (search[name] ? [[name, search[name]]] : []))),
    ...(diedAfter && { diedAfter }),
    diedBefore: iso(search.diedBefore) ?? now.toISOString(),
  }
}
