import { type MetricInfo, sampleNames } from './registries.ts'

/** Labels that Prometheus gives, because it knows whom it scrapes, or that are part of every histogram. */
const given = ['namespace', 'pod', 'le']

/** What may stand in a query: series of the parts, and series that rules record. */
export interface Known {
  readonly metrics: ReadonlyMap<string, MetricInfo>
  /** Recorded series, with the labels of each. */
  readonly recorded: ReadonlyMap<string, readonly string[]>
}

/** The series that a query reads. */
export const seriesIn = (expr: string): string[] =>
  [...expr.matchAll(/(?<![\w:"])(?:fairlead:[\w:]+|(?:fairlead|nodejs|process)_\w+)/g)].map(([name]) => name)

/** What a query names that no part exposes: a metric, a label, a value of a label. Empty: all is there. */
export function queryFaults(expr: string, { metrics, recorded }: Known): string[] {
  const used = seriesIn(expr)
  if (used.length === 0) return ['it reads no series']
  const bySample = new Map([...metrics.values()].flatMap(each => sampleNames(each).map(name => [name, each])))
  const faults: string[] = []
  const labels = new Set(given)
  for (const name of used) {
    const info = bySample.get(name)
    const names = info?.labelNames ?? recorded.get(name)
    if (!names) faults.push(`there is no ${name}`)
    for (const label of names ?? []) labels.add(label)
  }
  const selected = [...expr.matchAll(/([a-z_]+)(?:=~|!~|!=|=)"/g)].map(([, label = '']) => label)
  const grouped = [...expr.matchAll(/\b(?:by|on|ignoring|group_left) \(([^)]*)\)/g)].flatMap(
    ([, list = '']) => list.split(/, ?/).filter(Boolean),
  )
  for (const label of [...selected, ...grouped]) if (!labels.has(label)) faults.push(`no label ${label}`)
  return [...faults, ...valueFaults(expr, bySample)]
}

/** Values in selectors of a metric whose label has a closed list. */
function valueFaults(expr: string, bySample: ReadonlyMap<string, MetricInfo>): string[] {
  return [...expr.matchAll(/((?:fairlead|nodejs)_\w+)\{([^}]*)\}/g)].flatMap(([, name = '', list = '']) =>
    [...list.matchAll(/([a-z_]+)(=~|!~|!=|=)"([^"]*)"/g)].flatMap(
      ([, label = '', operator = '', text = '']) => {
        const known = bySample.get(name)?.values[label]
        if (!known || text.includes('$') || ['namespace', 'organization', 'destination'].includes(label))
          return []
        const values = operator.endsWith('~') ? text.split('|') : [text]
        return values
          .filter(value => !known.includes(value))
          .map(value => `${name} has no ${label}="${value}"`)
      },
    ),
  )
}
