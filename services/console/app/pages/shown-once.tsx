import { Dialog } from '@base-ui/react/dialog'
import { CopyButton } from '../parts/copy.tsx'

/** A key's text, which nobody is shown again. */
export function ShownOnce({ text }: { readonly text: string }) {
  return (
    <>
      <p>This is the key. It is shown this once: copy it now.</p>
      <p>
        <code className="secret">{text}</code>
      </p>
      <div className="row end">
        <CopyButton text={text} label="Copy key" />
        <Dialog.Close className="button primary">I have it</Dialog.Close>
      </div>
    </>
  )
}
