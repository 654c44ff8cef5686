import { previewRoute } from '@fairlead/client/gen/client'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { take } from '../call.ts'
import { ProblemNote } from '../parts/problem.tsx'
import { useDraft } from '../settings/field.tsx'
import { Ago } from '../time.tsx'

/** Which of the last 1,000 events the route would match, as it is typed. */
export function RoutePreviewNote({ slug }: { readonly slug: string }) {
  const { draft } = useDraft()
  const source = String(draft.source ?? '')
  const eventTypes = Array.isArray(draft.eventTypes) ? (draft.eventTypes as string[]) : []
  const query = useQuery({
    queryKey: ['preview', slug, source, eventTypes],
    queryFn: ({ signal }) =>
      take(previewRoute(slug, { source, ...(eventTypes.length > 0 && { eventTypes }) }, { signal })),
    enabled: /^[-a-z0-9*]{1,63}$/.test(source),
    staleTime: 30_000,
    retry: false,
  })
  if (query.isError) return <ProblemNote error={query.error} />
  if (!query.data) return null
  const { examined, matched, sample } = query.data
  return (
    <div className="note" role="status">
      <p>
        <strong>
          {matched.toLocaleString()} of the last {examined.toLocaleString()} events
        </strong>{' '}
        would match.
        {examined === 0 && ' Nothing has arrived yet to compare with.'}
      </p>
      {sample.length > 0 && (
        <ul>
          {sample.slice(0, 5).map(({ id, source, type, receivedAt }) => (
            <li key={id}>
              <Link to={`/organizations/${slug}/events/${id}` as never} target="_blank">
                {type || 'no type'}
              </Link>{' '}
              <span className="muted">
                {source} · <Ago at={receivedAt} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
