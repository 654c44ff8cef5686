import { Dialog } from '@base-ui/react/dialog'
import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'
import type { Permission } from '../rights.ts'
import { Needs } from './needs.tsx'
import { ProblemNote } from './problem.tsx'

interface FormDialogProps<Answer> {
  /** On the button that opens it. */
  readonly label: string
  /** The key that presses it. */
  readonly letter?: string
  readonly permission: Permission
  readonly title: string
  /** On the button that sends the form. */
  readonly submit: string
  /** On the button that leaves without sending. Default: Close. */
  readonly leave?: string
  readonly run: (form: FormData) => Promise<Answer>
  /** Queries that are out of date once it has run. Default: all. */
  readonly queryKey?: QueryKey
  readonly done?: (answer: Answer) => void
  /** Shown instead of the form once it has run. Absent: the dialog closes. */
  readonly result?: (answer: Answer) => ReactNode
  /** The fields, by their names in the form. */
  readonly children: ReactNode
}

/** A button that opens a form. Where the API refuses it, what was typed stays. */
export function FormDialog<Answer>(props: FormDialogProps<Answer>) {
  const {
    label,
    letter,
    permission,
    title,
    submit,
    leave = 'Close',
    run,
    queryKey,
    done,
    result,
    children,
  } = props
  const [open, setOpen] = useState(false)
  const queries = useQueryClient()
  const mutation = useMutation({
    mutationFn: run,
    onSuccess: async answer => {
      if (!result) setOpen(false)
      await queries.invalidateQueries(queryKey && { queryKey })
      done?.(answer)
    },
  })
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    mutation.mutate(new FormData(event.currentTarget))
  }
  const onOpenChange = (next: boolean) => {
    setOpen(next)
    mutation.reset()
  }
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Trigger className="button small" disabled={!permission.may} data-key={letter}>
        {label}
        <Needs who={permission.who} />
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title>{title}</Dialog.Title>
          {result && mutation.data !== undefined ? (
            result(mutation.data)
          ) : (
            <form onSubmit={send} className="form">
              {children}
              {mutation.isError && <ProblemNote error={mutation.error} />}
              <div className="row end">
                <Dialog.Close className="button">{leave}</Dialog.Close>
                <button type="submit" className="button primary" disabled={mutation.isPending}>
                  {submit}
                </button>
              </div>
            </form>
          )}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

/** One of several, by name; the first of them, or the given one, is chosen. */
export function SelectField({
  name,
  label,
  choices,
  initial,
}: {
  readonly name: string
  readonly label: string
  /** Values, by the words that stand for them. */
  readonly choices: Readonly<Record<string, string | number>>
  readonly initial?: string | number
}) {
  return (
    <label>
      {label}
      <select name={name} {...(initial !== undefined && { defaultValue: initial })}>
        {Object.entries(choices).map(([words, value]) => (
          <option key={words} value={value}>
            {words}
          </option>
        ))}
      </select>
    </label>
  )
}
