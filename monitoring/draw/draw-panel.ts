import type { Panel } from '../dashboards/builder.ts'
import { escaped, valueText } from './text.ts'

/** One panel with its data as a piece of SVG. */

export type PanelData = readonly {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly points: readonly (readonly [number, number])[]
}[]

interface Size {
  readonly width: number
  readonly height: number
}

const colours = [
  '#56a64b',
  '#3274d9',
  '#e0b400',
  '#e02f44',
  '#8f3bb8',
  '#ff780a',
  '#1f60c4',
  '#37872d',
  '#c4162a',
  '#7c2ea3',
]
const colourOf = (at: number): string => colours[at % colours.length] ?? '#000'

export function drawPanel(panel: Panel, data: PanelData, size: Size): string {
  const frame = `<rect width="${size.width}" height="${size.height}" fill="#fff" stroke="#ddd"/>
<text x="8" y="17" class="title">${escaped(panel.title)}</text>`
  return frame + content(panel, data, size)
}

function content(panel: Panel, data: PanelData, size: Size): string {
  if (panel.kind === 'text') return line(8, 36, panel.text.slice(0, 200))
  if (data.length === 0) return line(8, size.height / 2, panel.mayBeEmpty ? 'none' : 'NO DATA')
  switch (panel.kind) {
    case 'stat':
      return drawStat(panel, data, size)
    case 'timeseries':
      return drawLines(panel, data, size)
    case 'state-timeline':
      return drawStates(data, size)
    case 'heatmap':
      return drawHeat(data, size)
    case 'table':
      return drawTable(panel.unit, data, size)
    default:
      return panel satisfies never
  }
}

const line = (x: number, y: number, text: string, more = ''): string =>
  `<text x="${Math.round(x)}" y="${Math.round(y)}" ${more}>${escaped(text)}</text>`

function drawStat(panel: Extract<Panel, { kind: 'stat' }>, data: PanelData, { height }: Size): string {
  const value = data[0]?.points.at(-1)?.[1] ?? 0
  return line(
    8,
    height / 2 + 14,
    valueText(value, panel.unit),
    `class="big" fill="${statColour(panel, value)}"`,
  )
}

function statColour({ thresholds }: Extract<Panel, { kind: 'stat' }>, value: number): string {
  if (!thresholds) return '#333'
  const { warn, bad, below } = thresholds
  const isBad = below ? value < bad : value >= bad
  const isWarn = below ? value < warn : value >= warn
  return isBad ? '#e02f44' : isWarn ? '#ff780a' : '#56a64b'
}

/** A place for curves, with their extent. */
function plotOf(
  points: readonly (readonly [number, number])[],
  { width, height }: Size,
  most: number,
  least = 0,
) {
  const times = points.map(([at]) => at)
  const [from, to] = [Math.min(...times), Math.max(...times)]
  const [left, top, right, bottom] = [56, 26, width - 8, height - 44]
  return {
    left,
    top,
    right,
    bottom,
    x: (at: number) => left + ((at - from) / (to - from || 1)) * (right - left),
    y: (value: number) => bottom - ((value - least) / (most - least || 1)) * (bottom - top),
  }
}

function drawLines(panel: Extract<Panel, { kind: 'timeseries' }>, data: PanelData, size: Size): string {
  const stacked = panel.stacked ? stack(data) : data
  const all = stacked.flatMap(({ points }) => points)
  const most = Math.max(...all.map(([, value]) => value), 0)
  const least = Math.min(...all.map(([, value]) => value), 0)
  const plot = plotOf(all, size, most, least)
  const axis = [least, (least + most) / 2, most].map(
    value =>
      `<line x1="${plot.left}" x2="${plot.right}" y1="${plot.y(value)}" y2="${plot.y(value)}" stroke="#eee"/>` +
      line(4, plot.y(value) + 4, valueText(value, panel.unit), 'class="axis"'),
  )
  const curves = stacked.map(({ points }, at) => {
    const path = points.map(([time, value]) => `${plot.x(time).toFixed(1)},${plot.y(value).toFixed(1)}`)
    return `<polyline fill="none" stroke-width="1.5" stroke="${colourOf(at)}" points="${path.join(' ')}"/>`
  })
  return [...axis, shownTime(all, size), ...curves, legend(data, panel.unit, size)].join('')
}

/** From when to when: since a line begins where its first point is. */
function shownTime(points: readonly (readonly [number, number])[], { width }: Size): string {
  const times = points.map(([at]) => at)
  const clock = (at: number) => new Date(at * 1_000).toISOString().slice(11, 19)
  return times.length === 0
    ? ''
    : line(width - 130, 17, `${clock(Math.min(...times))} – ${clock(Math.max(...times))}`, 'class="axis"')
}

/** Each series on top of those before it, at the times that it has. */
function stack(data: PanelData): PanelData {
  const sums = new Map<number, number>()
  return data.map(series => ({
    ...series,
    points: series.points.map(([at, value]) => {
      const sum = (sums.get(at) ?? 0) + value
      sums.set(at, sum)
      return [at, sum] as const
    }),
  }))
}

function legend(
  data: PanelData,
  unit: Exclude<Panel, { kind: 'text' }>['unit'],
  { width, height }: Size,
): string {
  const parts: string[] = []
  let [x, y] = [8, height - 26]
  for (const [at, { name, points }] of data.entries()) {
    const text = `${name || 'value'} ${valueText(points.at(-1)?.[1] ?? 0, unit)}`
    const wide = 18 + text.length * 6
    if (x + wide > width) {
      x = 8
      y += 15
    }
    if (y > height) break
    parts.push(
      `<rect x="${x}" y="${y - 8}" width="10" height="3" fill="${colourOf(at)}"/>${line(x + 13, y, text)}`,
    )
    x += wide
  }
  return parts.join('')
}

function drawStates(data: PanelData, size: Size): string {
  const plot = plotOf(
    data.flatMap(({ points }) => points),
    size,
    1,
  )
  const high = (size.height - 34) / data.length
  return data
    .map(({ name, points }, at) => {
      const y = 26 + at * high
      const cells = points.map(
        ([time, value]) =>
          `<rect x="${plot.x(time).toFixed(1)}" y="${y.toFixed(1)}" width="6" height="${(high - 1).toFixed(1)}" fill="${value === 1 ? '#56a64b' : value === 0 ? '#e02f44' : '#ff780a'}"/>`,
      )
      return line(8, y + high - 2, name, 'font-size="9"') + cells.join('')
    })
    .join('')
}

/** Cumulative buckets become the counts of each. */
function drawHeat(data: PanelData, size: Size): string {
  const rows = data.toSorted(
    (a, b) => Number(a.labels.le) - Number(b.labels.le) || (a.labels.le === '+Inf' ? 1 : -1),
  )
  const plot = plotOf(
    rows.flatMap(({ points }) => points),
    size,
    1,
  )
  const high = (size.height - 40) / rows.length
  const counts = rows.map((row, at) =>
    row.points.map(
      ([time, value], n) => [time, Math.max(0, value - (rows[at - 1]?.points[n]?.[1] ?? 0))] as const,
    ),
  )
  const most = Math.max(...counts.flat().map(([, value]) => value), 1e-9)
  return rows
    .map((row, at) => {
      const y = size.height - 12 - (at + 1) * high
      const cells = (counts[at] ?? []).map(
        ([time, value]) =>
          `<rect x="${plot.x(time).toFixed(1)}" y="${y.toFixed(1)}" width="6" height="${(high - 1).toFixed(1)}" fill="#3274d9" fill-opacity="${(value / most).toFixed(2)}"/>`,
      )
      return line(8, y + high - 2, row.labels.le ?? '', 'font-size="9"') + cells.join('')
    })
    .join('')
}

function drawTable(
  unit: Exclude<Panel, { kind: 'text' }>['unit'],
  data: PanelData,
  { height }: Size,
): string {
  const rows = data.slice(0, Math.floor((height - 30) / 15))
  return rows
    .map(({ labels, points }, at) => {
      const shown = Object.entries(labels).filter(
        ([name]) => !['__name__', 'namespace', 'alertstate'].includes(name),
      )
      const text = `${shown.map(([name, value]) => `${name}=${value}`).join('  ')}: ${valueText(points.at(-1)?.[1] ?? 0, unit)}`
      return line(8, 38 + at * 15, text)
    })
    .join('')
}
