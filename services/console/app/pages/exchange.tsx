import { Dialog } from '@base-ui/react/dialog'
import { type Attempt, type AttemptDetail, type EventDetail, getAttempt } from '@fairlead/client/gen/client'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { curlOf } from '../body/curl.ts'
import { Lines, prettyLines } from '../body/lines.tsx'
import { visible } from '../body/received.ts'
import { HeaderList } from '../body/request-view.tsx'
import { take } from '../call.ts'
import { CopyButton } from '../parts/copy.tsx'
import { Facts } from '../parts/facts.tsx'
import { ProblemNote } from '../parts/problem.tsx'

/** Shows what was sent in an attempt and what came back. */
export function ExchangeButton({
  attempt,
  event,
  slug,
}: {
  readonly attempt: Attempt
  readonly event: EventDetail
  readonly slug: string
}) {
  const [open, setOpen] = useState(false)
  const query = useQuery({
    queryKey: ['attempt', slug, attempt.id],
    queryFn: ({ signal }) => take(getAttempt(slug, attempt.id, { signal })),
    enabled: open,
  })
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Trigger className="button small">
        See<span className="visually-hidden"> the exchange of attempt {attempt.number}</span>
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog broad">
          <Dialog.Title>
            Attempt {attempt.number}: {attempt.outcome.replaceAll('_', ' ')}
          </Dialog.Title>
          {query.isPending && <p className="muted">Loading …</p>}
          {query.isError && <ProblemNote error={query.error} again={() => void query.refetch()} />}
          {query.data && <ExchangeView exchange={query.data.exchange} reason={query.data.reason} />}
          <div className="row end">
            {query.data?.exchange && event.body !== null && (
              <CopyButton label="Copy as curl" text={() => curlOf(...sentAgain(query.data, event))} />
            )}
            <Dialog.Close className="button">Close</Dialog.Close>
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

/** All of an exchange with a destination: what was dialled, sent and answered, and how long each phase took. */
export function ExchangeView({ exchange, reason }: Pick<AttemptDetail, 'exchange' | 'reason'>) {
  if (!exchange) {
    return (
      <p className="note">
        The exchange is no longer kept (7 days), or nothing was sent to an address.
        {reason && ` ${visible(reason)}`}
      </p>
    )
  }
  const { request, response, phasesMs } = exchange
  const phases = Object.entries(phasesMs).flatMap(([name, ms]) => (ms === null ? [] : [`${name} ${ms} ms`]))
  return (
    <>
      <Facts
        facts={[
          ['Address', exchange.address ?? 'none was dialled'],
          ['Connection', exchange.reusedConnection ? 'had been used before' : 'new'],
          ['Times', phases.join(', ') || '–'],
        ]}
      />
      <h3>Sent</h3>
      <p className="request-line">
        <code>{visible(request.line)}</code>
      </p>
      <HeaderList headers={request.headers} />
      <h3>Answer</h3>
      {response ? (
        <>
          <p className="request-line">
            <code>{visible(response.line)}</code>
          </p>
          <HeaderList headers={response.headers} />
          {response.body === null ? (
            <p className="muted">A body that is no text.</p>
          ) : (
            response.body !== '' && (
              <Lines lines={prettyLines(response.body).lines} label="Body of the answer" />
            )
          )}
        </>
      ) : (
        <p className="note warn">There was no answer. {reason && visible(reason)}</p>
      )}
      {exchange.cut && <p className="muted">There was more than is kept.</p>}
    </>
  )
}

/** What was sent, as a request of its own: its headers, signature among them, over the event's bytes. */
export function sentAgain(
  { exchange }: Pick<AttemptDetail, 'exchange'>,
  { body, bodyEncoding, sizeBytes }: Pick<EventDetail, 'body' | 'bodyEncoding' | 'sizeBytes'>,
): Parameters<typeof curlOf> {
  const { line, headers } = exchange!.request
  const [method = 'POST', target = '/'] = line.split(' ')
  const { host = 'DESTINATION', ...others } = headers
  const url = /^https?:/.test(target) ? target : `https://${host}${target}`
  return [{ method, url, headers: others, body, bodyEncoding, sizeBytes }, url]
}
