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
  /** How a count is said. Default: as a whole number. */
  readonly format?: (count: number) => string
  /** Bars are days: their times of day are left out. */
  readonly isByDay?: boolean
  /** The second part hangs from the line that the first stands on: what was lost below what was gained. */
  readonly isSecondBelow?: boolean
  /** Default: the numbers stand below as a table, closed. False: the page has them in a table of its own. */
  readonly withNumbers?: boolean
}

const width = 600
const height = 96
const whichMinute = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
})

const whichDay = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: '2-digit' })
const asCount = (count: number): string => count.toLocaleString()

/** Counts over time. The same numbers are said in words, one bar at a time by arrow keys or pointer, and all of them as a table. */
export function BarChart(props: BarChartProps) {
  const { title, parts, bars, from, until, spanMs, format = asCount, isSecondBelow, withNumbers } = props
  const when = props.isByDay ? whichDay : whichMinute
  const [chosen, choose] = useState<number>()
  const scale = scaleOf(bars, isSecondBelow === true)
  const totalMs = Math.max(until.getTime() - from.getTime(), spanMs)
  const xOf = (at: Date) => Math.max(((at.getTime() - from.getTime()) / totalMs) * width, 0)
  const slot = (spanMs / totalMs) * width
  // Between many thin bars gaps would be a pattern of their own.
  const barWidth = Math.max(slot > 6 ? slot - 1 : slot, 1)
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
          bar ? `${when.format(bar.at)}: ${said(bar, parts, format)}` : 'arrow keys go through the bars'
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
            const [low, high] = [first * scale.unit, second * scale.unit]
            const { zero } = scale
            const top = isSecondBelow ? zero : zero - low - high
            return (
              <g key={at.getTime()} className={index === chosen ? 'chosen' : ''}>
                <rect className="first" x={xOf(at)} y={zero - low} width={barWidth} height={low} />
                <rect className="second" x={xOf(at)} y={top} width={barWidth} height={high} />
              </g>
            )
          })}
          {isSecondBelow && <rect className="zero" x={0} y={scale.zero - 0.5} width={width} height={1} />}
        </svg>
      </div>
      <p className="axis muted">
        <span>{when.format(from)}</span>
        <span>highest {format(scale.most)}</span>
        <span>{when.format(until)}</span>
      </p>
      <p className="readout">
        {bar ? (
          `${when.format(bar.at)}: ${said(bar, parts, format)}`
        ) : (
          <>
            {parts[0] && (
              <>
                <span className="key first" aria-hidden="true" /> {parts[0]}{' '}
              </>
            )}
            {parts[1] && (
              <>
                <span className="key second" aria-hidden="true" /> {parts[1]}
              </>
            )}
          </>
        )}
      </p>
      {withNumbers !== false && <Numbers title={title} parts={parts} bars={bars} />}
    </figure>
  )
}

/** Where nothing is, and how high one of a count is. */
function scaleOf(bars: readonly Bar[], isSecondBelow: boolean) {
  const highest = (pick: (counts: Bar['counts']) => number) =>
    bars.reduce((most, { counts }) => Math.max(most, pick(counts)), 0)
  const up = highest(([first, second]) => (isSecondBelow ? first : first + second))
  const down = isSecondBelow ? highest(([, second]) => second) : 0
  const unit = height / Math.max(1, up + down)
  return { unit, zero: height - down * unit, most: up }
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
              <th scope="row">{whichMinute.format(at)}</th>
              {parts[0] && <td>{first.toLocaleString()}</td>}
              <td>{second.toLocaleString()}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}

const said = ({ counts }: Bar, parts: readonly [string, string], format: (count: number) => string): string =>
  parts.flatMap((part, index) => (part ? `${format(counts[index] ?? 0)} ${part}` : [])).join(', ')

const clamp = (index: number, length: number): number => Math.min(Math.max(index, 0), length - 1)
