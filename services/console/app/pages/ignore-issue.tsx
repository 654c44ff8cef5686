import { Dialog } from '@base-ui/react/dialog'
import { type IgnoreIssueBody, type Issue, ignoreIssue } from '@fairlead/client/gen/client'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { once, take } from '../call.ts'
import { Needs } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { useRight } from '../session.ts'

const untils = {
  'an hour': 3_600_000,
  'a day': 86_400_000,
  'a week': 604_800_000,
  'for good': 0,
} as const

/** Ignores an issue for a time, or for so many failures more. Its dead letters stay counted. */
export function IgnoreIssue({ issue, slug }: { readonly issue: Pick<Issue, 'id'>; readonly slug: string }) {
  const [open, setOpen] = useState(false)
  const { may, who } = useRight('operate', slug)
  const queries = useQueryClient()
  const mutation = useMutation({
    mutationFn: (body: IgnoreIssueBody) => take(ignoreIssue(slug, issue.id, body, once())),
    onSuccess: async () => {
      setOpen(false)
      await queries.invalidateQueries()
    },
  })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const ms = Number(form.get('ms'))
    const failures = Number(form.get('failures'))
    mutation.mutate({
      ...(ms > 0 && { until: new Date(Date.now() + ms).toISOString() }),
      ...(failures > 0 && { failures }),
    })
  }
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Trigger className="button small" disabled={!may}>
        Ignore …
        <Needs who={who} />
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title>Ignore this issue</Dialog.Title>
          <form className="form" onSubmit={submit}>
            <label>
              For
              <select name="ms" defaultValue={untils['a day']}>
                {Object.entries(untils).map(([name, ms]) => (
                  <option key={name} value={ms}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
            <label>
              Or until so many failures more <input name="failures" type="number" min={1} />
            </label>
            <p className="muted">It is told nowhere meanwhile. Its dead letters stay counted and listed.</p>
            {mutation.isError && <ProblemNote error={mutation.error} />}
            <div className="row end">
              <Dialog.Close className="button">Leave as it is</Dialog.Close>
              <button type="submit" className="button primary" disabled={mutation.isPending}>
                Ignore
              </button>
            </div>
          </form>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
