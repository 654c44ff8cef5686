import { type EventDetail, getEvent, retryEvent } from '@fairlead/client/gen/client'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { curlOf } from '../body/curl.ts'
import { RequestView } from '../body/request-view.tsx'
import { once, take } from '../call.ts'
import { StateBadge } from '../parts/badge.tsx'
import { CopyButton } from '../parts/copy.tsx'
import { Facts } from '../parts/facts.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { TestData } from '../parts/test-data.tsx'
import { ActionButton } from '../resource/actions.tsx'
import type { Action } from '../resource/resource.ts'
import { Time } from '../time.tsx'
import { Deliveries } from './deliveries.tsx'

const retry: Action<EventDetail> = {
  label: 'Retry',
  key: 'r',
  right: 'operate',
  applies: ({ bodyExpired, deliveries }) => !bodyExpired && deliveries.length > 0,
  confirm: ({ deliveries }) =>
    `Every delivery of this event is made again now: ${deliveries.map(({ destination }) => destination).join(', ')}. Those that were delivered get it once more, under the same webhook-id.`,
  run: ({ id }, slug) => take(retryEvent(slug, id, {}, once())),
  done: () => 'The next attempts are under way.',
}

/** One event: how it was received, and each delivery with its attempts. */
export function EventPage() {
  const { slug = '', event: id = '' } = useParams({ strict: false })
  const query = useQuery({
    queryKey: ['event', slug, id],
    queryFn: ({ signal }) => take(getEvent(slug, id, { signal })),
    // As long as something may still happen to it.
    refetchInterval: ({ state }) =>
      ['pending', 'processing'].includes(state.data?.status ?? '') ? 2_000 : false,
  })
  if (query.isPending) return <p className="muted page">Loading …</p>
  if (query.isError) {
    return (
      <section className="page">
        <h1>Event</h1>
        <ProblemNote error={query.error} again={() => void query.refetch()} />
      </section>
    )
  }
  const event = query.data
  return (
    <section className="page">
      <header className="page-head">
        <div>
          <p className="crumbs">
            <Link to={`/organizations/${slug}/events` as never}>Event log</Link> /
          </p>
          <h1>
            {event.type || 'Event without a type'} <StateBadge state={event.status} />
          </h1>
          <p className="muted">
            <code>{event.id}</code>
          </p>
        </div>
        <div className="row">
          <ActionButton action={retry} item={event} slug={slug} />
          <CopyButton text={event.id} label="Copy id" />
          {!event.bodyExpired && event.body !== null && (
            <CopyButton text={() => curlOf(event, targetOf(event.url))} label="Copy as curl" />
          )}
        </div>
      </header>
      <TestData mode={event.mode} />
      <Facts
        facts={[
          ['Source', `${event.source} (${event.provider})`],
          ['Mode', event.mode],
          ['Received', <Time key="at" at={event.receivedAt} />],
          ['Verified with', event.secret ?? 'no secret needed'],
          ...(event.types.length > 1 ? ([['All types', event.types.join(', ')]] as const) : []),
          ...(event.repeats.count > 0
            ? ([
                [
                  'Repeats swallowed',
                  `${event.repeats.count}${event.repeats.differing > 0 ? `, ${event.repeats.differing} of them with another body` : ''}`,
                ],
              ] as const)
            : []),
        ]}
      />
      <h2>Deliveries</h2>
      <Deliveries event={event} slug={slug} />
      <h2>Request</h2>
      <RequestView request={event} expired={event.bodyExpired} />
    </section>
  )
}

/** The receiver is another host and port than the console: the person fills it in once. */
const targetOf = (url: string): string => `http://RECEIVER${url}`
