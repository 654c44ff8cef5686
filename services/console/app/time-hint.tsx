import { Tooltip } from '@base-ui/react/tooltip'
import { useEffect, useState } from 'react'
import { wordsOf } from './time.tsx'

/** How long the pointer rests on a time before its words come, and is elsewhere before they go, ms. */
const restsMs = 400
const leavesMs = 150

/**
 * The words of the time under the pointer. One tooltip serves the whole page: a list has two times in each row, and to make a tooltip for each
 * took longer than to make the row.
 */
export function TimeHint() {
  const [shown, setShown] = useState<HTMLTimeElement>()
  useEffect(() => watchTimes(setShown), [])
  return (
    <Tooltip.Root open={shown !== undefined} onOpenChange={open => open || setShown(undefined)}>
      <Tooltip.Portal>
        <Tooltip.Positioner anchor={shown ?? null} sideOffset={6} className="floating">
          <Tooltip.Popup className="hint">{shown && wordsOf(new Date(shown.dateTime))}</Tooltip.Popup>
        </Tooltip.Positioner>
      </Tooltip.Portal>
    </Tooltip.Root>
  )
}

/** Tells on which time the pointer rests. The words themselves may be pointed at; Escape takes them away, and leaving the window. */
function watchTimes(show: (time: HTMLTimeElement | undefined) => void): () => void {
  let shown: HTMLTimeElement | undefined
  let wanted: HTMLTimeElement | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  const want = (time: HTMLTimeElement | undefined, ms: number) => {
    if (time === wanted) return
    wanted = time
    clearTimeout(timer)
    if (time === shown) return
    timer = setTimeout(() => {
      shown = time
      show(time)
    }, ms)
  }
  const over = ({ target, pointerType }: PointerEvent) => {
    if (pointerType === 'touch' || !(target instanceof Element)) return
    const time = target.closest('.hint') ? shown : (target.closest('time') ?? undefined)
    want(time, time ? restsMs : leavesMs)
  }
  const leave = () => want(undefined, leavesMs)
  const onKey = ({ key }: KeyboardEvent) => {
    if (key === 'Escape') want(undefined, 0)
  }
  document.addEventListener('pointerover', over)
  document.documentElement.addEventListener('pointerleave', leave)
  document.addEventListener('keydown', onKey)
  return () => {
    clearTimeout(timer)
    document.removeEventListener('pointerover', over)
    document.documentElement.removeEventListener('pointerleave', leave)
    document.removeEventListener('keydown', onKey)
  }
}
