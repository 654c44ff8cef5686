import { listSources } from '@fairlead/client/gen/client'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { take } from '../call.ts'

/** The log's first state: says what to do, and waits in view. */
export function FirstRequest({ slug }: { readonly slug: string }) {
  const { data } = useQuery({
    queryKey: ['sources', slug, {}],
    queryFn: ({ signal }) => take(listSources(slug, { signal })),
  })
  const sources = data?.items ?? []
  return (
    <>
      <h2>Waiting for the first webhook …</h2>
      {sources.length === 0 ? (
        <p>
          A source says where one provider&apos;s webhooks come in.{' '}
          <Link to={`/organizations/${slug}/sources` as never}>See the sources</Link>.
        </p>
      ) : (
        <>
          <p>Give a provider one of these addresses, and its first webhook shows here by itself:</p>
          <ul>
            {sources.slice(0, 5).map(source => (
              <li key={source.id}>
                {source.name} ({source.provider}): <code>{source.path}</code>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  )
}
