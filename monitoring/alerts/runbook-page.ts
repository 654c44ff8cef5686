import type { Alert } from './alert.ts'

/** The page of an alert. */
export function runbookPage({
  name,
  severity,
  expr,
  for: lasts,
  summary,
  description,
  runbook,
}: Alert): string {
  return `# ${name}

*${severity}${lasts ? `, after ${lasts}` : ''}: ${plain(summary)}. ${description}*

\`\`\`promql
${expr}
\`\`\`

## Meaning

${runbook.meaning}

## Impact

${runbook.impact}

## Diagnosis

Replace \`$namespace\` by the alert's label \`namespace\`.

${runbook.diagnosis.map(({ query, tells }) => `- \`${query}\`\n\n  ${capital(tells)}.`).join('\n')}

## Mitigation

${runbook.mitigation.map(step => `- ${step}`).join('\n')}

## Verification

${runbook.verification}
`
}

/** The list of all alerts. */
export function alertsPage(alerts: readonly Alert[]): string {
  return `# Alerts

Made from \`monitoring/alerts/\` by \`npm run generate\`; the rules are \`charts/fairlead/alerts.yaml\`. *critical* wakes somebody:
webhooks are refused, or nothing is delivered. *warning* is for the day. A destination of a tenant that fails or hangs wakes
nobody.

| alert | severity | says |
| --- | --- | --- |
${alerts.map(({ name, severity, summary }) => `| [${name}](${name}.md) | ${severity} | ${plain(summary).replaceAll('|', '\\|')} |`).join('\n')}
`
}

/** A summary without the template's own words. */
const plain = (summary: string): string =>
  summary.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, '*$1*').replaceAll(/\{\{ \$value[^}]*\}\}/g, '*n*')

const capital = (text: string): string => text.replace(/^[a-z]/, first => first.toUpperCase())
