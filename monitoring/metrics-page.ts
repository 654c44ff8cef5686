import type { MetricInfo } from './registries.ts'

/** docs/operations/metrics.md: every metric of ours, from the registries. */
export function metricsPage(metrics: Iterable<MetricInfo>): string {
  const ours = [...metrics]
    .filter(({ name }) => name.startsWith('fairlead_'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return `# Metrics

Made from the code by \`npm run generate\`; a test refuses a difference. Each part answers \`/metrics\` on its metrics port, and
has Node's own metrics (\`nodejs_*\`, \`process_*\`) besides. Units are seconds and bytes. **Values** that are listed stand at 0 in the
first scrape, so that \`increase()\` sees the first event of each; a label without a list has values as things happen, and
**organization** is bounded: [objectives](objectives.md) says how.

| metric | type | part | labels | meaning |
| --- | --- | --- | --- | --- |
${ours.map(row).join('\n')}
`
}

function row(metric: MetricInfo): string {
  const { name, type, help, buckets, parts } = metric
  const bounds = buckets.length > 0 ? ` Buckets: ${buckets.join(', ')}.` : ''
  const sentence = help.endsWith('.') ? help : `${help}.`
  return `| \`${name}\` | ${type} | ${parts.join(', ')} | ${labelsOf(metric)} | ${cell(sentence + bounds)} |`
}

/** Values of more than this many are counted, not listed. */
const mostListed = 12

function labelsOf({ name, labelNames, values }: MetricInfo): string {
  return labelNames
    .map(label => {
      const known = values[label]
      if (!known || name === 'fairlead_build_info') return `\`${label}\``
      if (known.length > mostListed) return `\`${label}\`: ${known.length} values, such as \`${known[0]}\``
      return `\`${label}\`: ${known.map(value => `\`${value}\``).join(' ')}`
    })
    .join('<br>')
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
