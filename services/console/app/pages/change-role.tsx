import { Dialog } from '@base-ui/react/dialog'
import { ChangeMemberRoleBodyRole, changeMemberRole, type Member } from '@fairlead/client/gen/client'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { once, take } from '../call.ts'
import { Needs } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { useRight } from '../session.ts'

/** Gives a member another role. The API says no to a role above one's own, and to taking the last owner away. */
export function ChangeRole({ member, slug }: { readonly member: Member; readonly slug: string }) {
  const [open, setOpen] = useState(false)
  const { may, who } = useRight('administer', slug)
  const queries = useQueryClient()
  const mutation = useMutation({
    mutationFn: (role: ChangeMemberRoleBodyRole) => take(changeMemberRole(slug, member.id, { role }, once())),
    onSuccess: async () => {
      setOpen(false)
      // All: it may have been the caller's own role.
      await queries.invalidateQueries()
    },
  })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    mutation.mutate(new FormData(event.currentTarget).get('role') as ChangeMemberRoleBodyRole)
  }
  const onOpenChange = (next: boolean) => {
    setOpen(next)
    mutation.reset()
  }
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Trigger className="button small" disabled={!may}>
        Change role …
        <Needs who={who} />
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title>Change the role of {member.email}</Dialog.Title>
          <form onSubmit={submit} className="form">
            <label>
              Role
              <select name="role" defaultValue={member.role}>
                {Object.values(ChangeMemberRoleBodyRole).map(role => (
                  <option key={role}>{role}</option>
                ))}
              </select>
            </label>
            <p className="muted">It counts with the member’s next request.</p>
            {mutation.isError && <ProblemNote error={mutation.error} />}
            <div className="row end">
              <Dialog.Close className="button">Leave as it is</Dialog.Close>
              <button type="submit" className="button primary" disabled={mutation.isPending}>
                Change the role
              </button>
            </div>
          </form>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
