import { Dialog } from '@base-ui/react/dialog'
import { type RetryDeadLettersBody, retryDeadLetters } from '@fairlead/client/gen/client'
import { useMutation } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { once, take } from '../call.ts'
import { Needs } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { readTime } from '../read-time.ts'
import { useRight } from '../session.ts'

/**
 * Retries every dead letter that the filters match. Counted first with the same filter and one cut-off, so that later arrivals
 * are not among them; the Replay it becomes is a page of its own.
 */
export function RetryAll({ slug }: { readonly slug: string }) {
  const search = useSearch({ strict: false }) as Readonly<Record<string, string>>
  const [body, setBody] = useState<RetryDeadLettersBody>()
  const { may, who } = useRight('operate', slug)
  const preview = useMutation({
    mutationFn: (asked: RetryDeadLettersBody) =>
      take(retryDeadLetters(slug, { ...asked, dryRun: true }, once())),
  })
  const begin = () => {
    const asked = filterOf(search)
    setBody(asked)
    preview.mutate(asked)
  }
  const start = useMutation({
    mutationFn: () => take(retryDeadLetters(slug, body ?? {}, once())),
  })
  return (
    <>
      <button
        type="button"
        className="button small"
        disabled={!may}
        onClick={() => {
          start.reset()
          begin()
        }}
      >
        Retry all that match …
        <Needs who={who} />
      </button>
      <Dialog.Root open={body !== undefined} onOpenChange={open => !open && setBody(undefined)}>
        <Dialog.Portal>
          <Dialog.Backdrop className="backdrop" />
          <Dialog.Popup className="dialog">
            <Dialog.Title>Retry all dead letters that match</Dialog.Title>
            <Dialog.Description>{describe(body ?? {})}</Dialog.Description>
            {preview.isPending && <p>Counting …</p>}
            {preview.data && (
              <p>
                <strong>{preview.data.matched.toLocaleString()}</strong> deliveries of{' '}
                {preview.data.matchedEvents.toLocaleString()} events
                {preview.data.expired > 0 && `; ${preview.data.expired} more have no body left`}. At{' '}
                {preview.data.ratePerSecond} a second that takes about{' '}
                {Math.ceil(preview.data.matched / preview.data.ratePerSecond)} s. What dies from now on is not
                among them.
              </p>
            )}
            {preview.isError && <ProblemNote error={preview.error} />}
            {start.isError && <ProblemNote error={start.error} />}
            {start.data && (
              <p role="status">
                Under way: <Link to={`/organizations/${slug}/replays` as never}>see its progress</Link>.
              </p>
            )}
            <div className="row end">
              <Dialog.Close className="button">Close</Dialog.Close>
              <button
                type="button"
                className="button primary"
                disabled={!preview.data || preview.data.matched === 0 || start.isPending || start.isSuccess}
                onClick={() => start.mutate()}
              >
                Retry {preview.data ? preview.data.matched.toLocaleString() : ''}
              </button>
            </div>
          </Dialog.Popup>
        </Dialog.Portal>
      </Dialog.Root>
    </>
  )
}

const names = ['destination', 'source', 'type', 'reason'] as const

function filterOf(search: Readonly<Record<string, string>>): RetryDeadLettersBody {
  const now = new Date()
  const iso = (text: string | undefined) => (text ? readTime(text, now)?.toISOString() : undefined)
  const diedAfter = iso(search.diedAfter)
  return {
    ...Object.fromEntries(names.flatMap(name => (search[name] ? [[name, search[name]]] : []))),
    ...(diedAfter && { diedAfter }),
    // The cut-off: preview and run have the same one.
    diedBefore: iso(search.diedBefore) ?? now.toISOString(),
  }
}

function describe(body: RetryDeadLettersBody): string {
  const parts = names.flatMap(name => (body[name] ? [`${name} ${body[name]}`] : []))
  return parts.length > 0 ? `Those with ${parts.join(', ')}.` : 'All of this organization.'
}
