import { type KeyboardEvent, type PointerEvent, useState } from 'react'
import { zoneName } from '../time.tsx'

/** What one bar counts: its first part from the bottom, its second on top. */
export interface Bar {
  readonly at: Date
  readonly counts: readonly [number, number]
}

interface BarChartProps {
  readonly title: string
  /** What the two parts of a bar are; empty: there is none. */
  readonly parts: readonly [string, string]
  readonly bars: readonly Bar[]
  readonly from: Date
  readonly until: Date
  /** How long a bar is, ms. */
  readonly spanMs: number
}

const width = 600
const height = 96
const when = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
})

/** Counts over time. The same numbers are said in words, one bar at a time by arrow keys or pointer, and all of them as a table. */
export function BarChart({ title, parts, bars, from, until, spanMs }: BarChartProps) {
  const [chosen, choose] = useState<number>()
  const most = Math.max(1, ...bars.map(({ counts: [first, second] }) => first + second))
  const totalMs = Math.max(until.getTime() - from.getTime(), spanMs)
  const xOf = (at: Date) => Math.max(((at.getTime() - from.getTime()) / totalMs) * width, 0)
  const barWidth = Math.max((spanMs / totalMs) * width - 1, 1)
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (!step || bars.length === 0) return
    event.preventDefault()
    choose(chosen === undefined ? bars.length - 1 : clamp(chosen + step, bars.length))
  }
  const onPointerMove = (event: PointerEvent<SVGSVGElement>) => {
    const { left, width: shown } = event.currentTarget.getBoundingClientRect()
    const x = ((event.clientX - left) / shown) * width
    const index = bars.findIndex(({ at }) => x >= xOf(at) && x <= xOf(at) + barWidth + 1)
    choose(index < 0 ? undefined : index)
  }
  const bar = chosen === undefined ? undefined : bars[chosen]
  return (
    <figure className="chart">
      <figcaption>
        {title} <span className="muted zone">{zoneName}</span>
      </figcaption>
      <div
        className="plot"
        role="slider"
        tabIndex={0}
        aria-label={title}
        aria-valuemin={0}
        aria-valuemax={Math.max(bars.length - 1, 0)}
        aria-valuenow={chosen ?? 0}
        aria-valuetext={
          bar ? `${when.format(bar.at)}: ${said(bar, parts)}` : 'arrow keys go through the bars'
        }
        onKeyDown={onKeyDown}
      >
        <svg
          viewBox={`0 0 ${width} ${height}`}
          preserveAspectRatio="none"
          aria-hidden="true"
          onPointerMove={onPointerMove}
          onPointerLeave={() => choose(undefined)}
        >
          {bars.map(({ at, counts: [first, second] }, index) => {
            const [low, high] = [(first / most) * height, (second / most) * height]
            return (
              <g key={at.getTime()} className={index === chosen ? 'chosen' : ''}>
                <rect className="first" x={xOf(at)} y={height - low} width={barWidth} height={low} />
                <rect className="second" x={xOf(at)} y={height - low - high} width={barWidth} height={high} />
              </g>
            )
          })}
        </svg>
      </div>
      <p className="axis muted">
        <span>{when.format(from)}</span>
        <span>highest {most.toLocaleString()}</span>
        <span>{when.format(until)}</span>
      </p>
      <p className="readout">
        {bar ? (
          `${when.format(bar.at)}: ${said(bar, parts)}`
        ) : (
          <>
            {parts[0] && (
              <>
                <span className="key first" aria-hidden="true" /> {parts[0]}{' '}
              </>
            )}
            <span className="key second" aria-hidden="true" /> {parts[1]}
          </>
        )}
      </p>
      <Numbers title={title} parts={parts} bars={bars} />
    </figure>
  )
}

function Numbers({ title, parts, bars }: Pick<BarChartProps, 'title' | 'parts' | 'bars'>) {
  if (bars.length === 0) return <p className="muted">Nothing in this time.</p>
  return (
    <details>
      <summary className="muted">The numbers</summary>
      <table className="plain">
        <caption className="visually-hidden">{title}</caption>
        <thead>
          <tr>
            <th scope="col">From</th>
            {parts[0] && <th scope="col">{parts[0]}</th>}
            <th scope="col">{parts[1]}</th>
          </tr>
        </thead>
        <tbody>
          {bars.map(({ at, counts: [first, second] }) => (
            <tr key={at.getTime()}>
              <th scope="row">{when.format(at)}</th>
              {parts[0] && <td>{first.toLocaleString()}</td>}
              <td>{second.toLocaleString()}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}

const said = ({ counts }: Bar, parts: readonly [string, string]): string =>
  parts.flatMap((part, index) => (part ? `${counts[index]?.toLocaleString()} ${part}` : [])).join(', ')

const clamp = (index: number, length: number): number => Math.min(Math.max(index, 0), length - 1)
