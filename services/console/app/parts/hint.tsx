import { Tooltip } from '@base-ui/react/tooltip'
import type { ReactElement } from 'react'

/** A few more words by hover and by focus; the child itself must say enough without them. */
export function Hint({ text, children }: { readonly text: () => string; readonly children: ReactElement }) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger render={<span className="hinted">{children}</span>} />
      <Tooltip.Portal>
        <Tooltip.Positioner sideOffset={6} className="floating">
          <Tooltip.Popup className="hint">
            <Words of={text} />
          </Tooltip.Popup>
        </Tooltip.Positioner>
      </Tooltip.Portal>
    </Tooltip.Root>
  )
}

/** Put into words as they are shown, not for every row of a list. */
const Words = ({ of }: { readonly of: () => string }) => of()
