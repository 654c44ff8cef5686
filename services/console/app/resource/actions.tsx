import { AlertDialog } from '@base-ui/react/alert-dialog'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Needs } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { useRight } from '../session.ts'
import type { Action } from './resource.ts'

/** The button of an action: asks where it should, and says what came of it. */
export function ActionButton<Item>({
  action,
  item,
  slug,
}: {
  readonly action: Action<Item>
  readonly item: Item
  readonly slug: string
}) {
  const [open, setOpen] = useState(false)
  const { may, who } = useRight(action.right, slug)
  const queries = useQueryClient()
  const mutation = useMutation({
    mutationFn: () => action.run(item, slug),
    onSuccess: async () => {
      setOpen(false)
      await queries.invalidateQueries()
    },
  })
  if (action.applies && !action.applies(item)) return null
  if (!may) {
    return (
      <button type="button" className="button small" disabled>
        {action.label}
        <Needs who={who} />
      </button>
    )
  }
  const begin = () => (action.confirm ? setOpen(true) : mutation.mutate())
  return (
    <span className="action">
      <button
        type="button"
        className={`button small ${action.tone ?? ''}`}
        disabled={mutation.isPending}
        onClick={begin}
        data-key={action.key}
      >
        {mutation.isPending ? `${action.label} …` : action.label}
      </button>
      <span role="status" className="said">
        {mutation.isSuccess && action.done(item)}
      </span>
      {mutation.isError && !open && <ProblemNote error={mutation.error} />}
      {action.confirm && (
        <AlertDialog.Root open={open} onOpenChange={setOpen}>
          <AlertDialog.Portal>
            <AlertDialog.Backdrop className="backdrop" />
            <AlertDialog.Popup className="dialog">
              <AlertDialog.Title>{action.label}?</AlertDialog.Title>
              <AlertDialog.Description>{action.confirm(item)}</AlertDialog.Description>
              {mutation.isError && <ProblemNote error={mutation.error} />}
              <div className="row end">
                <AlertDialog.Close className="button">Leave as it is</AlertDialog.Close>
                <button
                  type="button"
                  className={`button primary ${action.tone ?? ''}`}
                  disabled={mutation.isPending}
                  onClick={() => mutation.mutate()}
                >
                  {action.label}
                </button>
              </div>
            </AlertDialog.Popup>
          </AlertDialog.Portal>
        </AlertDialog.Root>
      )}
    </span>
  )
}
