import type { AnalyticsGroupsItem, Counts } from '@fairlead/client/gen/client'
import type { Bar } from '../parts/bar-chart.tsx'

/** All groups together, one bar for each interval. */
export function barsOf(groups: readonly AnalyticsGroupsItem[], good: 'events' | 'delivered'): readonly Bar[] {
  const bars = new Map<string, [number, number]>()
  for (const { intervals } of groups) {
    for (const { at, counts } of intervals) {
      const [first, second] = bars.get(at) ?? [0, 0]
      bars.set(at, [first + counts[good], second + counts.failed])
    }
  }
  return [...bars]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([at, counts]) => ({ at: new Date(at), counts }))
}

/** The sums of what can be summed. */
export function totalOf(groups: readonly AnalyticsGroupsItem[]) {
  const sum = (name: 'events' | 'attempts' | 'delivered' | 'failed' | 'dead') =>
    groups.reduce((total, group) => total + group.total[name], 0)
  const attempts = sum('attempts')
  return {
    events: sum('events'),
    attempts,
    dead: sum('dead'),
    successRate: attempts === 0 ? null : sum('delivered') / attempts,
    /** The slowest group's, since percentiles of groups don't add up. */
    slowest: groups
      .filter(({ total }) => total.latencyMs !== null)
      .toSorted((a, b) => b.total.latencyMs!.p95 - a.total.latencyMs!.p95)[0],
  }
}

const spans: Readonly<Record<string, number>> = {
  '15m': 900_000,
  hour: 3_600_000,
  day: 86_400_000,
  month: 30 * 86_400_000,
}

/** How long an interval is, ms; an hour where none is chosen. */
export const spanOf = (interval: string | undefined): number => spans[interval ?? 'hour'] ?? 3_600_000

/** @param locale whose way to write the number; default: the browser's */
export function rateText(rate: number | null, locale?: string): string {
  if (rate === null) return '–'
  // 99.96 % is not all.
  const percent = rate === 1 ? 100 : Math.min(rate * 100, 99.9)
  return `${percent.toLocaleString(locale, { maximumFractionDigits: 1 })} %`
}

export function latencyText(latency: Counts['latencyMs']): string {
  if (latency === null) return '–'
  return `${[latency.p50, latency.p95, latency.p99].map(ms => Math.round(ms).toLocaleString()).join(', ')} ms`
}
