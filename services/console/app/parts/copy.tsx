import { useEffect, useState } from 'react'

/** Copies a text, and says on itself that it has. */
export function CopyButton({
  text,
  label = 'Copy',
}: {
  readonly text: string | (() => string)
  readonly label?: string
}) {
  const [said, say] = useState<string>()
  useEffect(() => {
    if (!said) return
    const timer = setTimeout(() => say(undefined), 2_000)
    return () => clearTimeout(timer)
  }, [said])
  const copy = () =>
    navigator.clipboard.writeText(typeof text === 'string' ? text : text()).then(
      () => say('Copied'),
      () => say('The browser refused'),
    )
  return (
    <button type="button" className="button small" onClick={copy}>
      <span aria-live="polite">{said ?? label}</span>
    </button>
  )
}
