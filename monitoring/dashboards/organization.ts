import type { Dashboard, Variable } from './builder.ts'
import { of, over, rate } from './terms.ts'

const organization: Variable = {
  name: 'organization',
  label: 'Organization',
  query: 'label_values(fairlead_organization_objective_target_ratio{namespace="$namespace"}, organization)',
}
const destination: Variable = {
  name: 'destination',
  label: 'Destination',
  query:
    'label_values(fairlead_destination_attempts_total{namespace="$namespace",organization="$organization",destination!="other"}, destination)',
}
const ours = 'organization="$organization"'
const itsDestination = `${ours},destination="$destination"`

const notDeclared = {
  kind: 'text',
  title: 'Which organizations',
  text: 'Those that declare `spec.slo`, 500 at most. Of all others the console, `fairlead issues` and the API tell.',
  width: 24,
} as const

/** One organization that declares `spec.slo`. */
export const oneOrganization: Dashboard = {
  name: 'organization',
  title: 'one organization',
  description: 'An organization that declares spec.slo: its objectives, and which of its destinations fails.',
  variables: [organization],
  rows: [
    {
      title: 'Objectives',
      panels: [
        notDeclared,
        {
          kind: 'timeseries',
          title: 'Budget left of 30 days',
          description: 'By its own objectives. Below 0 the objective is missed.',
          targets: [
            {
              expr: of('fairlead:organization_objective_budget_left:ratio30d', ours),
              legend: '{{objective}}',
            },
          ],
          unit: 'percentunit',
          mayBeNegative: true,
        },
        {
          kind: 'timeseries',
          title: 'Judged bad',
          description: 'Part of what was judged in five minutes.',
          targets: [
            { expr: of('fairlead:organization_objective_bad:ratio5m', ours), legend: '{{objective}}' },
          ],
          unit: 'percentunit',
        },
        {
          kind: 'timeseries',
          title: 'Judged, by result',
          description: 'Webhooks a second. Excluded: its destination held itself up.',
          targets: [
            {
              expr: rate('fairlead_organization_objective_events_total', 'objective, result', ours),
              legend: '{{objective}} {{result}}',
            },
          ],
          unit: 'reqps',
        },
      ],
    },
    {
      title: 'Webhooks',
      panels: [
        {
          kind: 'timeseries',
          title: 'Events',
          description: 'That came into the log, a second.',
          targets: [{ expr: rate('fairlead_organization_events_total', '', ours), legend: '' }],
          unit: 'reqps',
        },
        {
          kind: 'timeseries',
          title: 'Attempts by what followed',
          description: 'A second: delivered, to be tried again, or given up.',
          targets: [
            { expr: rate('fairlead_organization_deliveries_total', 'result', ours), legend: '{{result}}' },
          ],
          unit: 'reqps',
          stacked: true,
        },
        {
          kind: 'timeseries',
          title: 'Failed attempts by destination',
          description: 'A second: the destination that makes the alert ring.',
          targets: [
            {
              expr: rate('fairlead_destination_attempts_total', 'destination', `${ours},result!="delivered"`),
              legend: '{{destination}}',
            },
          ],
          unit: 'reqps',
        },
        {
          kind: 'stat',
          title: 'Share of all events',
          description: 'Of the whole installation, over the shown time.',
          targets: [
            {
              expr: `${over('fairlead_organization_events_total', '', ours)} / ${over('fairlead_organization_events_total')}`,
              legend: '',
            },
          ],
          unit: 'percentunit',
        },
      ],
    },
  ],
}

/** One destination of such an organization. */
export const oneDestination: Dashboard = {
  name: 'destination',
  title: 'one destination',
  description: 'A destination of an organization that declares spec.slo.',
  variables: [organization, destination],
  rows: [
    {
      title: 'Attempts',
      panels: [
        notDeclared,
        {
          kind: 'timeseries',
          title: 'Attempts by result',
          description: 'A second. What failed and how: fairlead issues, or the page of an event.',
          targets: [
            {
              expr: rate('fairlead_destination_attempts_total', 'result', itsDestination),
              legend: '{{result}}',
            },
          ],
          unit: 'reqps',
          stacked: true,
        },
        {
          kind: 'timeseries',
          title: 'Mean time of an attempt',
          description: 'Seconds of all attempts by their number.',
          targets: [
            {
              expr: `${rate('fairlead_destination_attempt_seconds_total', '', itsDestination)} / (${rate('fairlead_destination_attempts_total', '', itsDestination)} > 0)`,
              legend: '',
            },
          ],
          unit: 's',
        },
        {
          kind: 'stat',
          title: 'Failed',
          description: 'Part of the attempts of the shown time.',
          targets: [
            {
              expr: `${over('fairlead_destination_attempts_total', '', `${itsDestination},result!="delivered"`)} / (${over('fairlead_destination_attempts_total', '', itsDestination)} > 0)`,
              legend: '',
            },
          ],
          unit: 'percentunit',
          thresholds: { warn: 0.01, bad: 0.5 },
        },
      ],
    },
  ],
}
