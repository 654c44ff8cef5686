import type { PrometheusSeries, TracedSeries } from '@fairlead/testbed/prometheus'
import type { Dashboard, Panel } from '../dashboards/builder.ts'
import { drawPanel, type PanelData } from './draw-panel.ts'
import { escaped } from './text.ts'

/** A dashboard as one picture, in the order of its panels: for looking at, where there is no Grafana. */
export async function drawDashboard(
  dashboard: Dashboard,
  ask: (expr: string) => Promise<readonly PrometheusSeries[]>,
  askExemplars: (expr: string) => Promise<readonly TracedSeries[]> = async () => [],
): Promise<string> {
  const column = 60
  const unitHeight = 26
  const parts: string[] = []
  let y = 44
  for (const row of dashboard.rows) {
    parts.push(`<text x="8" y="${y + 16}" class="row">${escaped(row.title)}</text>`)
    y += 26
    let x = 0
    let height = 0
    for (const panel of row.panels) {
      const columns = panel.width ?? (panel.kind === 'stat' ? 4 : 8)
      const high = (panel.kind === 'stat' || panel.kind === 'text' ? 4 : 8) * unitHeight
      if (x + columns > 24) {
        x = 0
        y += height
        height = 0
      }
      const size = { width: columns * column - 8, height: high - 8 }
      const drawn = drawPanel(panel, await dataOf(panel, ask), size)
      const dots = panel.kind !== 'text' && panel.exemplars ? await tracesOf(panel, askExemplars) : ''
      parts.push(`<g transform="translate(${x * column + 4} ${y + 4})">${drawn}${dots}</g>`)
      x += columns
      height = Math.max(height, high)
    }
    y += height
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="1440" height="${y + 10}" font-family="sans-serif" font-size="11">
<style>.row{font-size:15px;font-weight:bold}.title{font-weight:bold}.axis{fill:#666}.big{font-size:30px}</style>
<rect width="100%" height="100%" fill="#f4f5f5"/>
<text x="8" y="28" font-size="20">Fairlead: ${escaped(dashboard.title)}</text>
${parts.join('\n')}
</svg>
`
}

/** In Grafana a dot for each; here the newest three in words. */
async function tracesOf(
  panel: Exclude<Panel, { kind: 'text' }>,
  ask: (expr: string) => Promise<readonly TracedSeries[]>,
): Promise<string> {
  const found = (await Promise.all(panel.targets.map(({ expr }) => ask(expr)))).flat()
  // The newest of each series, each trace once: three targets of one histogram read the same buckets.
  const byTrace = new Map(
    found.flatMap(({ labels, traces }) => {
      const last = traces.at(-1)
      return last ? [[last.traceId, { labels, ...last }] as const] : []
    }),
  )
  const newest = [...byTrace.values()].sort((a, b) => b.at - a.at).slice(0, 3)
  return newest
    .map(({ labels, traceId, at }, index) => {
      const whose = labels.destination
        ? `${labels.organization}: ${labels.destination} ${labels.result} `
        : ''
      const time = new Date(at * 1_000).toISOString().slice(11, 19)
      return `<text x="220" y="${34 + index * 14}" class="axis">◆ ${escaped(whose)}trace ${traceId} at ${time}</text>`
    })
    .join('')
}

async function dataOf(
  panel: Panel,
  ask: (expr: string) => Promise<readonly PrometheusSeries[]>,
): Promise<PanelData> {
  if (panel.kind === 'text') return []
  const answers = await Promise.all(panel.targets.map(({ expr }) => ask(expr)))
  return answers.flatMap((series, at) =>
    series.map(({ labels, points }) => ({
      name: (panel.targets[at]?.legend ?? '').replaceAll(
        /\{\{(\w+)\}\}/g,
        (_all, name) => labels[name] ?? '?',
      ),
      labels,
      points: points.filter(([, value]) => Number.isFinite(value)),
    })),
  )
}
