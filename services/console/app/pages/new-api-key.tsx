import { Dialog } from '@base-ui/react/dialog'
import { CreateApiKeyBodyRole, createApiKey } from '@fairlead/client/gen/client'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { once, take } from '../call.ts'
import { Needs } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { useRight } from '../session.ts'
import { ShownOnce } from './shown-once.tsx'

const lifetimes = { never: 0, '30 days': 30, '90 days': 90, 'a year': 365 } as const

/** Makes a key and shows its text, this once. */
export function NewApiKeyForm({ slug }: { readonly slug: string }) {
  const [open, setOpen] = useState(false)
  const { may, who } = useRight('administer', slug)
  const queries = useQueryClient()
  const mutation = useMutation({
    mutationFn: (form: FormData) => {
      const days = Number(form.get('days'))
      return take(
        createApiKey(
          slug,
          {
            name: String(form.get('name')),
            role: form.get('role') as CreateApiKeyBodyRole,
            ...(days > 0 && { expiresAt: new Date(Date.now() + days * 86_400_000).toISOString() }),
          },
          once(),
        ),
      )
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ['api-keys'] }),
  })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    mutation.mutate(new FormData(event.currentTarget))
  }
  const onOpenChange = (next: boolean) => {
    setOpen(next)
    if (!next) mutation.reset()
  }
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Trigger className="button small" disabled={!may}>
        New API key …
        <Needs who={who} />
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title>New API key</Dialog.Title>
          {mutation.data ? (
            <ShownOnce text={mutation.data.key} />
          ) : (
            <form onSubmit={submit} className="form">
              <label>
                Name <input name="name" required maxLength={63} autoComplete="off" />
              </label>
              <label>
                Role
                <select name="role" defaultValue="viewer">
                  {Object.values(CreateApiKeyBodyRole).map(role => (
                    <option key={role}>{role}</option>
                  ))}
                </select>
              </label>
              <label>
                Expires after
                <select name="days" defaultValue="90">
                  {Object.entries(lifetimes).map(([name, days]) => (
                    <option key={name} value={days}>
                      {name}
                    </option>
                  ))}
                </select>
              </label>
              {mutation.isError && <ProblemNote error={mutation.error} />}
              <div className="row end">
                <Dialog.Close className="button">Close</Dialog.Close>
                <button type="submit" className="button primary" disabled={mutation.isPending}>
                  Make the key
                </button>
              </div>
            </form>
          )}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
