import { stringify } from 'yaml'
import type { Alert } from './alert.ts'
import { alertGroups } from './all.ts'
import { type RecordingGroup, recordingGroups } from './objectives.ts'

/**
 * The file of rules.
 *
 * @param factor every window, `for` and interval is divided by it, 1 s at least: with 60 an alert fires within seconds, so
 *   that it can be fired for real in a test
 */
export function rulesFile(factor = 1): string {
  const groups = [
    ...recordingGroups.map(group => recordings(group, factor)),
    ...alertGroups.map(({ name, alerts }) => ({ name, rules: alerts.map(alert => ruleOf(alert, factor)) })),
  ]
  return `${heading}${stringify({ groups }, { lineWidth: 120 })}`
}

/** One alert alone, with the recordings that it reads. */
export function ruleFileOf(alert: Alert): string {
  const needed = alert.expr.includes('fairlead:') ? recordingGroups.map(group => recordings(group, 1)) : []
  return stringify({ groups: [...needed, { name: alert.name, rules: [ruleOf(alert, 1)] }] })
}

const recordings = ({ name, interval, rules }: RecordingGroup, factor: number) => ({
  name,
  interval: scaled(interval, factor),
  rules: rules.map(({ record, expr, labels }) => ({
    record,
    expr: scaledWindows(expr, factor),
    ...(labels && { labels }),
  })),
})

const ruleOf = (alert: Alert, factor: number) => ({
  alert: alert.name,
  expr: scaledWindows(alert.expr, factor),
  ...(alert.for && { for: scaled(alert.for, factor) }),
  labels: { severity: alert.severity },
  annotations: {
    summary: alert.summary,
    description: alert.description,
    runbook: `docs/operations/alerts/${alert.name}.md`,
  },
})

const heading = `# Made from monitoring/alerts/ by \`npm run generate\`. templates/alerts-prometheusrule.yaml gives these rules to the Prometheus
# Operator, and without it this file is one for \`rule_files\`. \`critical\`: webhooks are refused, or nothing is delivered;
# \`warning\`: somebody should look today. Each alert has a page in docs/operations/alerts/.
`

const seconds = { s: 1, m: 60, h: 3_600, d: 86_400 } as const

function scaled(duration: string, factor: number): string {
  if (factor === 1) return duration
  const [, count = '0', unit = 's'] = /^(\d+)([smhd])$/.exec(duration) ?? []
  return `${Math.max(1, Math.round((Number(count) * seconds[unit as keyof typeof seconds]) / factor))}s`
}

/** Windows in square brackets. Two scrapes of a second must fit into one. */
const scaledWindows = (expr: string, factor: number): string =>
  factor === 1
    ? expr
    : expr.replaceAll(/\[(\d+[smhd])\]/g, (_whole, window: string) => {
        const short = Number.parseInt(scaled(window, factor), 10)
        return `[${Math.max(5, short)}s]`
      })
