/** Terms that many panels use. Every selector has the namespace. */

/** `{namespace="$namespace",…}` */
export const of = (metric: string, matchers = ''): string =>
  `${metric}{namespace="$namespace"${matchers && `,${matchers}`}}`

const aggregated = (by: string): string => (by ? `sum by (${by}) ` : 'sum ')

/** What a counter grows by in a second. */
export const rate = (metric: string, by = '', matchers = ''): string =>
  `${aggregated(by)}(rate(${of(metric, matchers)}[$__rate_interval]))`

/** What a counter grew by over the shown time. */
export const over = (metric: string, by = '', matchers = ''): string =>
  `${aggregated(by)}(increase(${of(metric, matchers)}[$__range]))`

export const sum = (metric: string, by = '', matchers = ''): string =>
  `${aggregated(by)}(${of(metric, matchers)})`

export const max = (metric: string, by = '', matchers = ''): string =>
  `max${by ? ` by (${by})` : ''} (${of(metric, matchers)})`

/** Only where something was observed: a quantile of nothing is no number. */
export const quantile = (part: number, histogram: string, by = '', matchers = ''): string => {
  const labels = by ? `${by}, ` : ''
  const buckets = rate(`${histogram}_bucket`, `${labels}le`, matchers)
  const observed = rate(`${histogram}_count`, by, matchers)
  return `histogram_quantile(${part}, ${buckets}) and ${by ? `on (${by})` : 'on ()'} (${observed} > 0)`
}

/** 50th, 95th and 99th percentile of a histogram. */
export const percentiles = (histogram: string, matchers = '') =>
  [0.5, 0.95, 0.99].map(part => ({
    expr: quantile(part, histogram, '', matchers),
    legend: `${part * 100} %`,
  }))

/** Of an event loop and the like: series of Node, of the pods of one part, which has this metric. */
export const ofPart = (node: string, part: string): string =>
  `max by (pod) (${of(node)} and on (namespace, pod) ${of(part)})`
