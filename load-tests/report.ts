import { type Fate, type Figures, figuresOf, type Verdict } from './judge.ts'
import { percentile } from './percentile.ts'
import type { Scenario } from './scenarios.ts'

/** A run as JSON, and as one HTML page without scripts. */
export interface Report {
  readonly scenario: string
  readonly what: string
  readonly startedAt: string
  readonly machine: string
  readonly kept: boolean
  readonly verdicts: readonly Verdict[]
  /** Of all flows together, and of each. */
  readonly figures: Readonly<Record<string, Figures>>
  readonly seconds: readonly Second[]
  /** CPU µs a webhook by process, where the processes are on this machine. */
  readonly cpu: Readonly<Record<string, number>>
}

/** What was due in one second of the run. */
interface Second {
  readonly at: number
  readonly due: number
  readonly accepted: number
  readonly acceptP50Ms: number
  readonly acceptP99Ms: number
  readonly arrivalP50Ms: number
  readonly arrivalP99Ms: number
}

export function reportOf(
  scenario: Scenario,
  fates: readonly Fate[],
  verdicts: readonly Verdict[],
  run: Pick<Report, 'startedAt' | 'machine' | 'cpu'>,
): Report {
  const flows = scenario.flows.map(
    ({ name }) => [name, figuresOf(fates.filter(({ flow }) => flow === name))] as const,
  )
  return {
    scenario: scenario.name,
    what: scenario.what,
    ...run,
    kept: verdicts.every(({ kept }) => kept),
    verdicts,
    figures: { 'all flows': figuresOf(fates), ...Object.fromEntries(flows) },
    seconds: secondsOf(fates),
  }
}

function secondsOf(fates: readonly Fate[]): Second[] {
  const bySecond = Map.groupBy(fates, ({ dueMs }) => Math.floor(dueMs / 1000))
  return [...bySecond]
    .sort(([a], [b]) => a - b)
    .map(([at, list]) => {
      const accepted = list.filter(fate => fate.accepted)
      const accept = accepted.flatMap(({ acceptMs }) => acceptMs ?? [])
      const arrival = accepted.flatMap(({ arrivalMs }) => arrivalMs ?? [])
      return {
        at,
        due: list.length,
        accepted: accepted.length,
        acceptP50Ms: percentile(accept, 0.5),
        acceptP99Ms: percentile(accept, 0.99),
        arrivalP50Ms: percentile(arrival, 0.5),
        arrivalP99Ms: percentile(arrival, 0.99),
      }
    })
}

export function htmlOf(report: Report): string {
  const rows = report.verdicts.map(
    ({ figure, flow = 'all flows', value, atMost, kept }) =>
      `<tr class="${kept ? 'kept' : 'broken'}"><td>${figure}</td><td>${flow}</td><td>${shown(value)}</td><td>${shown(atMost)}</td><td>${kept ? 'kept' : 'broken'}</td></tr>`,
  )
  const cpu = Object.entries(report.cpu).map(([part, micros]) => `${escaped(part)} ${Math.round(micros)}`)
  const chart = (title: string, lines: readonly Line[]) => chartOf(title, lines, report.seconds)
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>${escaped(report.scenario)}</title>
<style>
body { font: 14px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse } td, th { padding: .2rem .8rem; text-align: left; border-bottom: 1px solid #ddd }
.broken td:last-child { color: #b00020; font-weight: bold } .kept td:last-child { color: #1b6e2e }
svg { width: 100%; height: auto; margin: .5rem 0 } text { font: 11px system-ui, sans-serif }
</style>
<h1>${escaped(report.scenario)}: ${report.kept ? 'all limits kept' : 'a limit is broken'}</h1>
<p>${escaped(report.what)}. Started ${report.startedAt} on ${escaped(report.machine)}.</p>
<table><tr><th>figure</th><th>flow</th><th>value</th><th>at most</th><th></th></tr>
${rows.join('\n')}
</table>
${chart('requests a second', [
  { label: 'due', colour: '#888', of: second => second.due },
  { label: 'accepted', colour: '#1b6e2e', of: second => second.accepted },
])}
${chart('accept, ms from when it was due', [
  { label: 'p50', colour: '#1b6e2e', of: second => second.acceptP50Ms },
  { label: 'p99', colour: '#b00020', of: second => second.acceptP99Ms },
])}
${chart('arrival, ms from when it was due', [
  { label: 'p50', colour: '#1b6e2e', of: second => second.arrivalP50Ms },
  { label: 'p99', colour: '#b00020', of: second => second.arrivalP99Ms },
])}
${cpu.length > 0 ? `<p>CPU µs a webhook: ${cpu.join(', ')}.</p>` : ''}
</html>
`
}

interface Line {
  readonly label: string
  readonly colour: string
  of(second: Second): number
}

const [width, height, left, bottom] = [900, 180, 60, 20] as const

function chartOf(title: string, lines: readonly Line[], seconds: readonly Second[]): string {
  const values = lines.flatMap(line => seconds.map(line.of)).filter(Number.isFinite)
  const most = values.reduce((max, value) => Math.max(max, value), 1)
  const last = Math.max(1, seconds.at(-1)?.at ?? 1)
  const x = (at: number) => left + ((width - left) * at) / last
  const y = (value: number) => (height - bottom) * (1 - value / most) + 10
  const paths = lines.map(line => {
    const points = seconds
      .map(second => [second.at, line.of(second)] as const)
      .filter(([, value]) => Number.isFinite(value))
      .map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`)
    return `<polyline fill="none" stroke="${line.colour}" stroke-width="1.5" points="${points.join(' ')}"/>`
  })
  const legend = lines.map(
    ({ label, colour }, i) => `<text x="${left + 10 + i * 80}" y="22" fill="${colour}">${label}</text>`,
  )
  return `<h2>${title}</h2>
<svg viewBox="0 0 ${width} ${height + 15}" role="img" aria-label="${title}">
<line x1="${left}" y1="${y(0)}" x2="${width}" y2="${y(0)}" stroke="#bbb"/><text x="0" y="${y(most) + 4}">${shown(most)}</text>
<text x="0" y="${y(0) + 4}">0</text><text x="${left}" y="${height + 10}">0 s</text><text x="${width - 40}" y="${height + 10}">${last} s</text>
${paths.join('\n')}
${legend.join('')}
</svg>`
}

/** Null: a NaN that was JSON meanwhile; nothing was measured. */
function shown(value: number | null): string {
  if (value === null || Number.isNaN(value)) return '–'
  return Number.isInteger(value) ? String(value) : value.toPrecision(3)
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
