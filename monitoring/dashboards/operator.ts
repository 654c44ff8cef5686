import type { Dashboard } from './builder.ts'
import { max, quantile, rate, sum } from './terms.ts'

export const operator: Dashboard = {
  name: 'operator',
  title: 'operator',
  description: 'Organizations and Replays: whether what is declared is in force.',
  rows: [
    {
      title: 'Declared',
      panels: [
        {
          kind: 'stat',
          title: 'Operators that lead',
          description: 'One. FairleadNobodyReconciles.',
          targets: [{ expr: sum('fairlead_operator_leader'), legend: '' }],
          unit: 'short',
          thresholds: { warn: 1, bad: 0.5, below: true },
        },
        {
          kind: 'stat',
          title: 'Faults in files',
          description: 'Of Organizations from files: each is a line in the log.',
          targets: [{ expr: max('fairlead_organization_file_faults'), legend: '' }],
          unit: 'short',
          thresholds: { warn: 1, bad: 1 },
        },
        {
          kind: 'stat',
          title: 'Parts expected',
          description: 'The parts of which an alert says that nothing is scraped.',
          targets: [{ expr: `count (${max('fairlead_component_expected', 'component')})`, legend: '' }],
          unit: 'short',
        },
        {
          kind: 'timeseries',
          title: 'Organizations by reason',
          description: 'Of their condition Ready. docs/operations/status.md explains each.',
          targets: [{ expr: sum('fairlead_organizations', 'reason'), legend: '{{reason}}' }],
          unit: 'short',
          stacked: true,
        },
        {
          kind: 'timeseries',
          title: 'Replays by phase',
          description: 'Pending for long: FairleadReplayStuck.',
          targets: [{ expr: sum('fairlead_replays', 'phase'), legend: '{{phase}}' }],
          unit: 'short',
          stacked: true,
          mayBeEmpty: true,
        },
      ],
    },
    {
      title: 'Work',
      panels: [
        {
          kind: 'timeseries',
          title: 'Reconciliations that wait',
          description: 'By kind, those in work included.',
          targets: [{ expr: sum('fairlead_reconciliations_waiting', 'kind'), legend: '{{kind}}' }],
          unit: 'short',
        },
        {
          kind: 'timeseries',
          title: 'Reconciliations by result',
          description: 'A second. `retry`: something else changed it, or is not there yet.',
          targets: [
            {
              expr: rate('fairlead_reconciliation_seconds_count', 'kind, result'),
              legend: '{{kind}} {{result}}',
            },
          ],
          unit: 'ops',
        },
        {
          kind: 'timeseries',
          title: 'Time of a reconciliation, 99th percentile',
          description: 'By kind.',
          targets: [{ expr: quantile(0.99, 'fairlead_reconciliation_seconds', 'kind'), legend: '{{kind}}' }],
          unit: 's',
        },
      ],
    },
  ],
}
