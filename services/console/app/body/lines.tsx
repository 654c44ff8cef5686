import { useVirtualizer } from '@tanstack/react-virtual'
import { useRef } from 'react'
import { formatJson, type Token } from './format-json.ts'
import { visible } from './received.ts'

const linePx = 20
/** Characters of one line that are shown at once; the rest is a click away. */
const lineLimit = 2_000

/** Lines of which only those in view are in the document, so that a body of a megabyte opens at once. */
export function Lines({
  lines,
  label,
}: {
  readonly lines: readonly (readonly Token[])[]
  readonly label: string
}) {
  const scroller = useRef<HTMLElement>(null)
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => linePx,
    overscan: 20,
  })
  const height = Math.min(lines.length * linePx + 16, 560)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scroller must be reachable by keyboard
    <section className="lines" ref={scroller} tabIndex={0} aria-label={label} style={{ height }}>
      <div style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start }) => (
          <div key={index} className="line" style={{ transform: `translateY(${start}px)` }}>
            <span className="number" aria-hidden="true">
              {index + 1}
            </span>
            <code>
              <LineTokens tokens={lines[index]!} />
            </code>
          </div>
        ))}
      </div>
    </section>
  )
}

function LineTokens({ tokens }: { readonly tokens: readonly Token[] }) {
  let left = lineLimit
  return tokens.map((token, index) => {
    const text = token.text.slice(0, Math.max(left, 0))
    const isCut = text.length < token.text.length && left >= 0
    left -= token.text.length
    if (text === '' && !isCut) return null
    return (
      // biome-ignore lint/suspicious/noArrayIndexKey: tokens of a line never change
      <span key={index} className={`token-${token.kind}`}>
        {visible(text)}
        {isCut && (
          <span className="cut"> … {token.text.length - text.length} more characters: copy or download</span>
        )}
      </span>
    )
  })
}

/** Text as lines without colours. */
export function plainLines(text: string): Token[][] {
  return text.split('\n').map(line => [{ kind: 'space', text: line }])
}

/** Formatted where the text is JSON, its plain lines otherwise. */
export function prettyLines(text: string): { readonly lines: Token[][]; readonly isJson: boolean } {
  const lines = formatJson(text)
  return lines ? { lines, isJson: true } : { lines: plainLines(text), isJson: false }
}
