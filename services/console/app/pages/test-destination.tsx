import { type Destination, testDestination } from '@fairlead/client/gen/client'
import { useMutation } from '@tanstack/react-query'
import { Lines, prettyLines } from '../body/lines.tsx'
import { once, take } from '../call.ts'
import { StateBadge } from '../parts/badge.tsx'
import { Needs } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { useRight } from '../session.ts'
import { ExchangeView } from './exchange.tsx'

/** Posts a signed sample as every delivery is posted, and shows the whole exchange. It counts nowhere. */
export function TestDestination({
  slug,
  destination,
}: {
  readonly slug: string
  readonly destination: Destination
}) {
  const { may, who } = useRight('operate', slug)
  const test = useMutation({
    mutationFn: () => take(testDestination(slug, destination.name, once())),
  })
  return (
    <section className="card" aria-labelledby="test">
      <header className="page-head">
        <div>
          <h2 id="test">Test</h2>
          <p className="muted">
            Sends a signed sample of the type <code>fairlead.test</code> now, also while it is paused. It is
            no event, and counts in no list and no figure.
          </p>
        </div>
        <button
          type="button"
          className="button"
          disabled={!may || test.isPending}
          onClick={() => test.mutate()}
          data-key="t"
        >
          {test.isPending ? 'Sending …' : 'Send a test'}
          <Needs who={who} />
        </button>
      </header>
      {test.isError && <ProblemNote error={test.error} again={() => test.mutate()} />}
      {test.data && (
        <>
          <p className="row" role="status">
            <StateBadge state={test.data.outcome === 'delivered' ? 'delivered' : 'failed'} />
            {test.data.outcome !== 'delivered' && <span>{test.data.outcome.replaceAll('_', ' ')}</span>}
            <span className="muted">
              {test.data.status === null ? 'no answer' : `status ${test.data.status}`} in{' '}
              {test.data.durationMs} ms
            </span>
          </p>
          <ExchangeView exchange={test.data.exchange} reason={test.data.reason} />
          <h3>Body that was sent</h3>
          <Lines lines={prettyLines(test.data.body).lines} label="Body that was sent" />
        </>
      )}
    </section>
  )
}
