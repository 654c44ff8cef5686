import { Dialog } from '@base-ui/react/dialog'

const keys = [
  ['⌘K or Ctrl K', 'go anywhere; paste an id'],
  ['/', 'search or filter; Esc leaves, ↓ goes into the list'],
  ['j, k', 'next and previous row'],
  ['Enter', 'open the row'],
  ['u', 'back to the list'],
  ['r', 'retry; start what is planned'],
  ['a, e, i', 'acknowledge, resolve, ignore an issue'],
  ['g o', 'overview'],
  ['g e', 'event log'],
  ['g i', 'issues'],
  ['g r', 'rejections'],
  ['g s', 'sources'],
  ['g d', 'destinations'],
  ['g l', 'dead letters'],
  ['g b', 'revenue'],
  ['?', 'this list'],
] as const

export function KeysHelp({
  open,
  setOpen,
}: {
  readonly open: boolean
  readonly setOpen: (open: boolean) => void
}) {
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title>Keys</Dialog.Title>
          <dl className="keys">
            {keys.map(([key, does]) => (
              <div key={key}>
                <dt>
                  <kbd>{key}</kbd>
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
          <div className="row end">
            <Dialog.Close className="button">Close</Dialog.Close>
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
