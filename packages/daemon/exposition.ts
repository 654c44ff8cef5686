import { Counter, Gauge, type Histogram, type Registry } from 'prom-client'

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

/** What a scrape is answered in. */
export type ExpositionFormat = 'prometheus' | 'openmetrics'

const openMetrics = 'application/openmetrics-text'

/** OpenMetrics where the scraper names it, else Prometheus' text. Pure. */
export const formatFor = (accept = ''): ExpositionFormat =>
  accept.includes(openMetrics) ? 'openmetrics' : 'prometheus'

export const contentTypeOf = (format: ExpositionFormat): string =>
  format === 'openmetrics'
    ? `${openMetrics}; version=1.0.0; charset=utf-8`
    : 'text/plain; version=0.0.4; charset=utf-8'

/** What ends a scrape, after the texts of all registries. */
export const endOf = (format: ExpositionFormat): string => (format === 'openmetrics' ? '# EOF\n' : '')

/**
 * The series of a registry, in one pass: several registries' texts may follow each other before `endOf`. prom-client's own text is
 * the same in Prometheus' format; a scrape with thousands of series takes it several times as long (docs/adr/0080).
 */
export async function exposedText(
  registry: Registry,
  format: ExpositionFormat = 'prometheus',
): Promise<string> {
  // OpenMetrics knows no empty lines.
  const gap = format === 'openmetrics' ? '\n' : '\n\n'
  const metrics = registry.getMetricsAsArray() as unknown as Metric[]
  const texts = await Promise.all(metrics.map(metric => textOf(registry, metric, format)))
  return texts.length === 0 ? '' : `${texts.join(gap)}\n`
}

/**
 * The series of several registries, for one scrape: a metric that several of them have is declared once and its series stand
 * together, as OpenMetrics demands. Pure.
 *
 * @param texts of `exposedText`, in one format
 */
export function joinExposed(texts: readonly string[]): string {
  const families = new Map<string, string>()
  for (const text of texts) {
    for (const family of text.split(/^(?=# HELP )/m)) {
      if (family === '') continue
      const name = family.slice('# HELP '.length, family.indexOf(' ', '# HELP '.length))
      const known = families.get(name)
      families.set(name, known === undefined ? family : `${known.trimEnd()}\n${withoutDeclaration(family)}`)
    }
  }
  return [...families.values()].join('')
}

/** Without its first two lines, `# HELP` and `# TYPE`. */
const withoutDeclaration = (family: string): string =>
  family.slice(family.indexOf('\n', family.indexOf('\n') + 1) + 1)

type Metric = (Counter | Gauge | Histogram) & { readonly name: string; readonly help: string }

async function textOf(registry: Registry, metric: Metric, format: ExpositionFormat): Promise<string> {
  const noted = exemplars.get(metric)
  const tells = format === 'openmetrics' ? noted : undefined
  let lines: string[]
  if (metric instanceof Counter || metric instanceof Gauge) lines = await linesOf(metric, format, tells)
  else {
    const text = await registry.getSingleMetricAsString(metric.name)
    if (!noted) return text
    lines = text.split('\n')
    if (tells) lines = lines.map(line => withExemplar(line, line.slice(0, line.lastIndexOf(' ')), tells))
  }
  if (noted) forgetGone(noted, lines)
  return lines.join('\n')
}

/** Counters and gauges: they alone may have thousands of series. */
async function linesOf(
  metric: Counter | Gauge,
  format: ExpositionFormat,
  tells: ReadonlyMap<string, Exemplar> | undefined,
): Promise<string[]> {
  const { name, help, type, values } = await metric.get()
  const isCounter = metric instanceof Counter
  // OpenMetrics declares a counter without its suffix.
  const declared = format === 'openmetrics' && isCounter ? name.replace(/_total$/, '') : name
  const lines = [`# HELP ${declared} ${escaped(help)}`, `# TYPE ${declared} ${type}`]
  for (const { labels, value } of values) {
    const series = name + labelsText(labels)
    const line = `${series} ${valueText(value)}`
    lines.push(tells ? withExemplar(line, series, tells) : line)
  }
  return lines
}

/** By the object that holds a series' labels, which stays the same for as long as the series is there. */
const labelTexts = new WeakMap<object, string>()

function labelsText(labels: Readonly<Partial<Record<string, string | number>>>): string {
  const known = labelTexts.get(labels)
  if (known !== undefined) return known
  const pairs: string[] = []
  for (const name in labels) {
    const value = labels[name]
    pairs.push(`${name}="${typeof value === 'string' ? escaped(value).replaceAll('"', '\\"') : value}"`)
  }
  const text = pairs.length === 0 ? '' : `{${pairs.join(',')}}`
  labelTexts.set(labels, text)
  return text
}

const escaped = (text: string): string =>
  /[\\\n]/.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n') : text

function valueText(value: number): string {
  if (Number.isFinite(value)) return `${value}`
  return Number.isNaN(value) ? 'NaN' : value < 0 ? '-Inf' : '+Inf'
}

function withExemplar(line: string, series: string, known: ReadonlyMap<string, Exemplar>): string {
  const exemplar = known.get(series)
  if (!exemplar) return line
  return `${line} # {trace_id="${exemplar.traceId}"} ${exemplar.value} ${exemplar.at.toFixed(3)}`
}

/** Exemplars of series that are gone. */
function forgetGone(known: Map<string, Exemplar>, lines: readonly string[]): void {
  const gone = new Set(known.keys())
  for (const line of lines) {
    if (gone.size === 0) return
    // The series ends at the last blank: a label's value may hold blanks, the sample's value behind it none.
    const end = line.lastIndexOf(' # {trace_id="')
    const bare = end < 0 ? line : line.slice(0, end)
    gone.delete(bare.slice(0, bare.lastIndexOf(' ')))
  }
  for (const series of gone) known.delete(series)
}
