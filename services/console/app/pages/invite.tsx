import { Dialog } from '@base-ui/react/dialog'
import { CreateInvitationBodyRole, createInvitation } from '@fairlead/client/gen/client'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { once, take } from '../call.ts'
import { Needs } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { useRight } from '../session.ts'

/** Invites an address by mail. */
export function Invite({ slug }: { readonly slug: string }) {
  const [open, setOpen] = useState(false)
  const { may, who } = useRight('administer', slug)
  const queries = useQueryClient()
  const mutation = useMutation({
    mutationFn: (form: FormData) =>
      take(
        createInvitation(
          slug,
          { email: String(form.get('email')), role: form.get('role') as CreateInvitationBodyRole },
          once(),
        ),
      ),
    onSuccess: async () => {
      setOpen(false)
      await queries.invalidateQueries({ queryKey: ['invitations'] })
    },
  })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    mutation.mutate(new FormData(event.currentTarget))
  }
  const onOpenChange = (next: boolean) => {
    setOpen(next)
    mutation.reset()
  }
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Trigger className="button small" disabled={!may}>
        Invite …
        <Needs who={who} />
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title>Invite somebody</Dialog.Title>
          <form onSubmit={submit} className="form">
            <label>
              E-mail address <input name="email" type="email" required maxLength={320} autoComplete="off" />
            </label>
            <label>
              Role
              <select name="role" defaultValue="viewer">
                {Object.values(CreateInvitationBodyRole).map(role => (
                  <option key={role}>{role}</option>
                ))}
              </select>
            </label>
            <p className="muted">
              A mail brings a link, good for 7 days, for whoever signs in as this address. An open invitation
              of the same address is replaced.
            </p>
            {mutation.isError && <ProblemNote error={mutation.error} />}
            <div className="row end">
              <Dialog.Close className="button">Close</Dialog.Close>
              <button type="submit" className="button primary" disabled={mutation.isPending}>
                Send the invitation
              </button>
            </div>
          </form>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
