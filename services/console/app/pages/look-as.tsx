import { Dialog } from '@base-ui/react/dialog'
import { type BeginImpersonationBody, beginImpersonation, type Member } from '@fairlead/client/gen/client'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { take } from '../call.ts'
import { Needs } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { useMe, useRight } from '../session.ts'

/** Lets staff see an organization as a member does, with a reason that the organization can read. */
export function LookAs({ member, slug }: { readonly member: Member; readonly slug: string }) {
  const [open, setOpen] = useState(false)
  const { may, who } = useRight('platform-read', slug)
  const { data: me } = useMe()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const begin = useMutation({
    mutationFn: (body: BeginImpersonationBody) => take(beginImpersonation(body)),
    onSuccess: async () => {
      setOpen(false)
      await queries.invalidateQueries()
      void navigate({ to: `/organizations/${slug}` as never })
    },
  })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    begin.mutate({
      organization: slug,
      email: member.email,
      reason: String(form.get('reason')),
      minutes: Number(form.get('minutes')),
    })
  }
  const isPerson = me?.kind === 'person'
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Trigger className="button small" disabled={!may || !isPerson}>
        Look as {member.email} …
        <Needs who={may && !isPerson ? 'for people who are signed in' : who} />
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title>Look at {slug} as a member does</Dialog.Title>
          <form className="form" onSubmit={submit}>
            <label>
              Reason, which the organization reads in its audit log{' '}
              <input name="reason" required maxLength={200} autoComplete="off" />
            </label>
            <label>
              Minutes <input name="minutes" type="number" min={1} max={30} defaultValue={15} />
            </label>
            <p className="muted">You see what {member.email} sees, and can change nothing.</p>
            {begin.isError && <ProblemNote error={begin.error} />}
            <div className="row end">
              <Dialog.Close className="button">Close</Dialog.Close>
              <button type="submit" className="button primary" disabled={begin.isPending}>
                Begin
              </button>
            </div>
          </form>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
