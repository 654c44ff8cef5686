import { Dialog } from '@base-ui/react/dialog'
import { type ApiKey, rotateApiKey } from '@fairlead/client/gen/client'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { once, take } from '../call.ts'
import { Needs } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { useRight } from '../session.ts'
import { ShownOnce } from './shown-once.tsx'

const overlaps = { 'an hour': 3_600, 'a day': 86_400, 'a week': 604_800, 'not at all: it leaked': 0 } as const

/** Gives a key a new text; the one of before stays good for a while. */
export function RotateApiKey({ apiKey, slug }: { readonly apiKey: ApiKey; readonly slug: string }) {
  const [open, setOpen] = useState(false)
  const { may, who } = useRight('administer', slug)
  const queries = useQueryClient()
  const mutation = useMutation({
    mutationFn: (overlapSeconds: number) => take(rotateApiKey(slug, apiKey.id, { overlapSeconds }, once())),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['api-keys'] }),
  })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    mutation.mutate(Number(new FormData(event.currentTarget).get('overlap')))
  }
  const onOpenChange = (next: boolean) => {
    setOpen(next)
    if (!next) mutation.reset()
  }
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Trigger className="button small" disabled={!may}>
        Rotate …
        <Needs who={who} />
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title>Give {apiKey.name} a new text</Dialog.Title>
          {mutation.data ? (
            <ShownOnce text={mutation.data.key} />
          ) : (
            <form className="form" onSubmit={submit}>
              <label>
                The text of before stays good for
                <select name="overlap" defaultValue={overlaps['a day']}>
                  {Object.entries(overlaps).map(([name, seconds]) => (
                    <option key={name} value={seconds}>
                      {name}
                    </option>
                  ))}
                </select>
              </label>
              {mutation.isError && <ProblemNote error={mutation.error} />}
              <div className="row end">
                <Dialog.Close className="button">Leave as it is</Dialog.Close>
                <button type="submit" className="button primary" disabled={mutation.isPending}>
                  Rotate the key
                </button>
              </div>
            </form>
          )}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
