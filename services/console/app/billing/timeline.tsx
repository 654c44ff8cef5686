import type { LedgerTransition } from '@fairlead/client/gen/client'
import { Badge } from '../parts/badge.tsx'
import { Time } from '../time.tsx'
import { EventLink, type EventsOf, Json } from './facts-of-row.tsx'
import type { LedgerRow } from './row-kind.ts'
import { type Change, changesOf } from './steps.ts'

/** What became of a row, newest first, each step with the event that caused it. */
export function Timeline({
  row,
  noun,
  slug,
  eventsOf,
}: {
  readonly row: LedgerRow
  readonly noun: string
  readonly slug: string
  readonly eventsOf: EventsOf
}) {
  const steps = row.history.toReversed()
  return (
    <>
      <h2>Timeline</h2>
      {steps.length === 0 ? (
        <p className="muted">No event has told of this {noun} itself yet.</p>
      ) : (
        <ol className="steps" aria-label="Timeline">
          {steps.map((step, index) => (
            <Step
              // biome-ignore lint/suspicious/noArrayIndexKey: one event may bring two steps of one object
              key={`${step.eventId} ${step.id} ${steps.length - index}`}
              step={step}
              isOwn={step.id === row.id}
              slug={slug}
              eventId={eventsOf.get(step.eventId)}
            />
          ))}
        </ol>
      )}
    </>
  )
}

function Step({
  step,
  isOwn,
  slug,
  eventId,
}: {
  readonly step: LedgerTransition
  /** Else of an object that the row is made of: a refund of a payment. */
  readonly isOwn: boolean
  readonly slug: string
  readonly eventId: string | undefined
}) {
  const changes = changesOf(step)
  return (
    <li>
      <div className="row">
        <Time at={step.at || null} />
        {!isOwn && <span className="muted">{step.kind.replaceAll('_', ' ')}</span>}
        {step.from === null ? (
          <span className="strong">begins{changes[0] ? ` as ${changes[0].after}` : ''}</span>
        ) : (
          changes.map(change => <ChangeText key={change.name} change={change} />)
        )}
        {!step.legal && <Badge tone="warn">no documented step</Badge>}
        {step.gap && <Badge tone="warn">an event is missing before</Badge>}
      </div>
      <p className="muted">
        by <EventLink slug={slug} eventId={eventId} type={step.type} />
        {!isOwn && (
          <>
            {' '}
            of <code>{step.id}</code>
          </>
        )}
      </p>
      {step.from !== null && (
        <details>
          <summary>Before and after</summary>
          <Json label="Before" value={step.from} />
          <Json label="After" value={step.to} />
        </details>
      )}
    </li>
  )
}

function ChangeText({ change: { name, before, after, isTime } }: { readonly change: Change }) {
  return (
    <span>
      {name}: {isTime ? <Time at={before || null} /> : before} <span aria-hidden="true">→</span>
      <span className="visually-hidden"> then </span>{' '}
      <strong>{isTime ? <Time at={after || null} /> : after}</strong>
    </span>
  )
}
