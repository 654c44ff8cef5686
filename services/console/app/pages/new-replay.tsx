import { Dialog } from '@base-ui/react/dialog'
import { type CreateReplayBody, createReplay, ReplaySelectorStatus } from '@fairlead/client/gen/client'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { once, take } from '../call.ts'
import { Needs } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { readTime } from '../read-time.ts'
import { useRight } from '../session.ts'

/** Asks for events to be delivered again: counted first, by the very same selection. */
export function NewReplay({ slug }: { readonly slug: string }) {
  const [open, setOpen] = useState(false)
  const [asked, setAsked] = useState<CreateReplayBody>()
  const [fault, setFault] = useState('')
  const { may, who } = useRight('operate', slug)
  const queries = useQueryClient()
  const preview = useMutation({
    mutationFn: (body: CreateReplayBody) => take(createReplay(slug, { ...body, dryRun: true }, once())),
  })
  const start = useMutation({
    mutationFn: () => take(createReplay(slug, asked ?? {}, once())),
    onSuccess: async () => {
      setOpen(false)
      await queries.invalidateQueries({ queryKey: ['replays'] })
    },
  })
  const count = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const read = readForm(new FormData(event.currentTarget), new Date())
    setFault(typeof read === 'string' ? read : '')
    if (typeof read === 'string') return
    setAsked(read)
    preview.mutate(read)
  }
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Trigger className="button small" disabled={!may}>
        New replay …
        <Needs who={who} />
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title>New replay</Dialog.Title>
          <form onSubmit={count} onChange={() => setAsked(undefined)} className="form">
            <label>
              Sources <input name="sources" placeholder="all; or names, comma-separated" />
            </label>
            <label>
              Types <input name="types" placeholder="all; or invoice.*, charge.failed" />
            </label>
            <label>
              Status
              <select name="status">
                <option value="">any</option>
                {Object.values(ReplaySelectorStatus).map(status => (
                  <option key={status}>{status}</option>
                ))}
              </select>
            </label>
            <label>
              Received after{' '}
              <input name="after" placeholder="-24h, yesterday 14:00, ISO" defaultValue="-24h" />
            </label>
            <label>
              Destinations <input name="destinations" placeholder="where each went before; or names" />
            </label>
            {fault && (
              <p className="fault" role="alert">
                {fault}
              </p>
            )}
            {preview.isError && <ProblemNote error={preview.error} />}
            {start.isError && <ProblemNote error={start.error} />}
            {asked && preview.data && (
              <p role="status">
                <strong>{preview.data.matched.toLocaleString()}</strong>{' '}
                {preview.data.matched === 1 ? 'delivery' : 'deliveries'} of{' '}
                {preview.data.matchedEvents.toLocaleString()}{' '}
                {preview.data.matchedEvents === 1 ? 'event' : 'events'}
                {preview.data.expired > 0 && `; ${preview.data.expired} more have no body left`}.
              </p>
            )}
            <div className="row end">
              <Dialog.Close className="button">Close</Dialog.Close>
              <button type="submit" className="button">
                Count
              </button>
              <button
                type="button"
                className="button primary"
                disabled={!asked || !preview.data || preview.data.matched === 0 || start.isPending}
                onClick={() => start.mutate()}
              >
                Start
              </button>
            </div>
          </form>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

/** What was filled in, with one cut-off for count and start; or what is wrong with it. */
function readForm(form: FormData, now: Date): CreateReplayBody | string {
  const list = (name: string) =>
    String(form.get(name) ?? '')
      .split(',')
      .map(text => text.trim())
      .filter(Boolean)
  const typed = String(form.get('after') ?? '').trim()
  const after = typed ? readTime(typed, now) : undefined
  if (typed && !after) return `“${typed}” is no time: try -24h or 2026-01-31T09:00`
  const status = String(form.get('status') ?? '')
  const lists = ['sources', 'types', 'destinations'].map(name => [name, list(name)] as const)
  return {
    ...Object.fromEntries(lists.filter(([, values]) => values.length > 0)),
    ...(status && { status: status as NonNullable<CreateReplayBody['status']> }),
    ...(after && { after: after.toISOString() }),
    before: now.toISOString(),
  }
}
