import type { Counter, Histogram, Registry } from 'prom-client'

/**
 * What a scrape is answered with. Exemplars (a trace's id beside a series) stand in OpenMetrics only. prom-client writes them
 * where the whole registry is OpenMetrics, whatever the scraper asks for, and then observes each value through maps of labels;
 * so they are kept here, and put into its text (docs/adr/0069).
 */

interface Exemplar {
  readonly traceId: string
  readonly value: number
  /** Unix seconds. */
  readonly at: number
}

/** By metric and series, as it stands in the text: `name_bucket{le="0.5"}`. The newest of each. */
const exemplars = new WeakMap<object, Map<string, Exemplar>>()

function note(metric: object, series: string, exemplar: Exemplar): void {
  const known = exemplars.get(metric)
  if (known) known.set(series, exemplar)
  else exemplars.set(metric, new Map([[series, exemplar]]))
}

const nameOf = (metric: object): string => String(Reflect.get(metric, 'name'))

/**
 * Notes the trace of a value that a histogram without labels has observed. Call it for traces that are kept: others lead nowhere.
 *
 * @param traceId 32 hexadecimal digits. @param nowMs Unix ms
 */
export function noteExemplar(histogram: Histogram, value: number, traceId: string, nowMs: number): void {
  const bounds = Reflect.get(histogram, 'upperBounds') as readonly number[]
  const le = bounds.find(upper => value <= upper) ?? '+Inf'
  note(histogram, `${nameOf(histogram)}_bucket{le="${le}"}`, { traceId, value, at: nowMs / 1_000 })
}

/**
 * Notes the trace of what a counter has counted. Call it for traces that are kept.
 *
 * @param labels in the order in which the series was made
 */
export function noteCounted<Label extends string>(
  counter: Counter<Label>,
  labels: Readonly<Record<Label, string>>,
  traceId: string,
  nowMs: number,
): void {
  const list = Object.entries<string>(labels).map(([label, value]) => `${label}="${value}"`)
  note(counter, `${nameOf(counter)}{${list.join(',')}}`, { traceId, value: 1, at: nowMs / 1_000 })
}

/** Prometheus' text format with exemplars, as `answerOf` takes it: several may be put together before that. */
export async function exposedText(registry: Registry): Promise<string> {
  const text = await registry.metrics()
  const noted = (registry.getMetricsAsArray() as unknown as object[]).flatMap(
    metric => exemplars.get(metric) ?? [],
  )
  if (noted.length === 0) return text
  const left = new Map(noted.flatMap(known => [...known].map(entry => [entry[0], known] as const)))
  const lines = text.split('\n').map(line => {
    const series = line.slice(0, line.lastIndexOf(' '))
    const exemplar = left.get(series)?.get(series)
    if (!exemplar) return line
    left.delete(series)
    return `${line} # {trace_id="${exemplar.traceId}"} ${exemplar.value} ${exemplar.at.toFixed(3)}`
  })
  // Of series that are gone.
  for (const [series, known] of left) known.delete(series)
  return lines.join('\n')
}

const openMetrics = 'application/openmetrics-text'
const exemplarOf = / # \{trace_id="[0-9a-f]{32}"\} \S+ \S+$/gm

/** An answer in the format that the scraper prefers: OpenMetrics where it names it, else Prometheus' text. Pure. */
export function answerOf(text: string, accept = ''): { readonly contentType: string; readonly body: string } {
  if (accept.includes(openMetrics))
    return { contentType: `${openMetrics}; version=1.0.0; charset=utf-8`, body: inOpenMetrics(text) }
  return { contentType: 'text/plain; version=0.0.4; charset=utf-8', body: text.replaceAll(exemplarOf, '') }
}

/** Counters are declared without `_total`, no line is empty, and the end is said. */
const inOpenMetrics = (text: string): string =>
  `${text
    .replaceAll(/^(# HELP \S+?)_total(?= )/gm, '$1')
    .replaceAll(/^(# TYPE \S+?)_total(?= counter$)/gm, '$1')
    .replaceAll(/\n{2,}/g, '\n')
    .replace(/^\n/, '')
    .replace(/\n?$/, '\n')}# EOF\n`
