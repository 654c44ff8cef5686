import {
  type Attempt,
  cancelDelivery,
  type Delivery,
  type EventDetail,
  retryDelivery,
} from '@fairlead/client/gen/client'
import { visible } from '../body/received.ts'
import { once, take } from '../call.ts'
import { useInAddress } from '../in-address.ts'
import { StateBadge } from '../parts/badge.tsx'
import { ScrollX } from '../parts/scroll-x.tsx'
import { ActionButton } from '../resource/actions.tsx'
import type { Action } from '../resource/resource.ts'
import { Time } from '../time.tsx'
import { CompareAttempts } from './compare-attempts.tsx'
import { ExchangeButton } from './exchange.tsx'

const actions: readonly Action<Delivery>[] = [
  {
    label: 'Retry now',
    right: 'operate',
    // Of those that have ended the event's own Retry makes new attempts.
    applies: ({ state }) => state === 'waiting',
    run: ({ id }, slug) => take(retryDelivery(slug, id, {}, once())),
    done: () => 'The next attempt is under way.',
  },
  {
    label: 'Give up',
    right: 'operate',
    tone: 'danger',
    applies: ({ state }) => state === 'waiting',
    confirm: ({ destination }) =>
      `No more attempts are made to ${destination}. The delivery becomes a dead letter, which can be retried for 30 days.`,
    run: ({ id }, slug) => take(cancelDelivery(slug, id, once())),
    done: () => 'It is a dead letter now.',
  },
]

/** Every delivery of an event with its attempts; two attempts can be looked at side by side. */
export function Deliveries({ event, slug }: { readonly event: EventDetail; readonly slug: string }) {
  if (event.deliveries.length === 0) {
    return (
      <p className="note">
        {event.status === 'unrouted'
          ? 'No route wanted this event, so it went nowhere.'
          : 'No delivery has begun yet.'}
      </p>
    )
  }
  return event.deliveries.map(delivery => (
    <section key={delivery.id} className="card">
      <header className="page-head">
        <h3>
          {delivery.destination} <StateBadge state={delivery.state} />
        </h3>
        <div className="row">
          {!event.bodyExpired &&
            actions.map(action => (
              <ActionButton key={action.label} action={action} item={delivery} slug={slug} />
            ))}
        </div>
      </header>
      {delivery.nextAttemptAt && (
        <p>
          Next attempt: <Time at={delivery.nextAttemptAt} />
        </p>
      )}
      {delivery.discardReason && <p>Discarded: {delivery.discardReason}</p>}
      <Attempts attempts={delivery.attempts} event={event} slug={slug} />
    </section>
  ))
}

function Attempts({
  attempts,
  event,
  slug,
}: {
  readonly attempts: readonly Attempt[]
  readonly event: EventDetail
  readonly slug: string
}) {
  const [chosen, choose] = useInAddress('compare')
  const ids = new Set(attempts.map(({ id }) => id))
  const compared = chosen.split(',').filter(id => ids.has(id))
  if (attempts.length === 0) return <p className="muted">No attempt has been made yet.</p>
  const toggle = (id: string) => choose(now => toggled(now, id, ids))
  return (
    <>
      <ScrollX label="Attempts">
        <table className="plain">
          <thead>
            <tr>
              {attempts.length > 1 && <th scope="col">Compare</th>}
              <th scope="col">Attempt</th>
              <th scope="col">Outcome</th>
              <th scope="col">Status</th>
              <th scope="col" className="wide">
                Began
              </th>
              <th scope="col">Took</th>
              <th scope="col" className="roomy">
                Why made
              </th>
              <th scope="col">Exchange</th>
            </tr>
          </thead>
          <tbody>
            {attempts.map(attempt => (
              <tr key={`${attempt.number} ${attempt.at}`}>
                {attempts.length > 1 && (
                  <td>
                    <input
                      type="checkbox"
                      aria-label={`Compare attempt ${attempt.number}`}
                      checked={compared.includes(attempt.id)}
                      onChange={() => toggle(attempt.id)}
                    />
                  </td>
                )}
                <td>{attempt.number}</td>
                <td className="free">
                  <StateBadge state={attempt.outcome === 'delivered' ? 'delivered' : 'failed'} />{' '}
                  {attempt.outcome !== 'delivered' && attempt.outcome.replaceAll('_', ' ')}
                  {attempt.reason && <div className="muted clamp">{visible(attempt.reason)}</div>}
                </td>
                <td>{attempt.status ?? <span className="muted">no answer</span>}</td>
                <td className="wide">
                  <Time at={attempt.at} />
                </td>
                <td>{attempt.durationMs} ms</td>
                <td className="roomy">{attempt.trigger}</td>
                <td>
                  <ExchangeButton attempt={attempt} event={event} slug={slug} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollX>
      {compared.length === 2 && (
        <CompareAttempts
          slug={slug}
          pair={[attemptOf(attempts, compared[0]), attemptOf(attempts, compared[1])]}
        />
      )}
    </>
  )
}

const attemptOf = (attempts: readonly Attempt[], id: string | undefined): Attempt =>
  attempts.find(attempt => attempt.id === id) ?? attempts[0]!

/** Chosen attempts of all deliveries after one is chosen or no longer: of its delivery, whose attempts are `own`, two at most. */
function toggled(now: string, id: string, own: ReadonlySet<string>): string {
  const all = now.split(',')
  const others = all.filter(each => each !== '' && !own.has(each))
  const before = all.filter(each => own.has(each))
  const after = before.includes(id) ? before.filter(each => each !== id) : [...before, id].slice(-2)
  return [...others, ...after].join()
}
