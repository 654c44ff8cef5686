import { objectives, objectiveTargets } from '@fairlead/webhook/objective'
import type { Alert } from './alert.ts'

/**
 * Objectives over 30 days: recorded ratios of what was judged bad, and alerts on how fast the budget burns. Rules divide
 * counters and nothing else: good and bad were decided where they happened. Windows and factors: SRE workbook, table 5-8.
 */

export interface Recording {
  readonly record: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
}

export interface RecordingGroup {
  readonly name: string
  readonly interval: string
  readonly rules: readonly Recording[]
}

/** An objective of the platform, or of one organization that declares `spec.slo`. */
interface Level {
  readonly prefix: 'fairlead:objective' | 'fairlead:organization_objective'
  readonly counter: string
  readonly by: string
}

const platform: Level = {
  prefix: 'fairlead:objective',
  counter: 'fairlead_objective_events_total',
  by: 'namespace, objective',
}
const organization: Level = {
  prefix: 'fairlead:organization_objective',
  counter: 'fairlead_organization_objective_events_total',
  by: 'namespace, organization, objective',
}

const shortWindows = ['5m', '30m', '1h'] as const
const longWindows = ['2h', '6h', '1d', '3d'] as const
type Window = (typeof shortWindows)[number] | (typeof longWindows)[number]

/** The long windows are sums of recorded five minutes: `rate` over three days of raw counters would be read at each evaluation. */
const ratio = ({ prefix, counter, by }: Level, window: Window): Recording => {
  const isLong = (longWindows as readonly string[]).includes(window)
  const sum = (result: string, recorded: string) =>
    isLong
      ? `sum_over_time(${prefix}_${recorded}:increase5m[${window}])`
      : `sum by (${by}) (increase(${counter}{${result}}[${window}]))`
  return {
    record: `${prefix}_bad:ratio${window}`,
    expr: `${sum('result="bad"', 'bad')} / (${sum('result=~"good|bad"', 'judged')} > 0)`,
  }
}

const counted = ({ prefix, counter, by }: Level): readonly Recording[] => [
  { record: `${prefix}_bad:increase5m`, expr: `sum by (${by}) (increase(${counter}{result="bad"}[5m]))` },
  {
    record: `${prefix}_judged:increase5m`,
    expr: `sum by (${by}) (increase(${counter}{result=~"good|bad"}[5m]))`,
  },
]

/** From counts and not from ratios, so that a quiet night does not weigh as much as a busy day. */
const budgetLeft = ({ prefix, by }: Level): Recording => ({
  record: `${prefix}_budget_left:ratio30d`,
  expr: `1 - (sum_over_time(${prefix}_bad:increase5m[30d]) / (sum_over_time(${prefix}_judged:increase5m[30d]) > 0))
  / on (${by}) ${prefix}_budget:ratio`,
})

const judgedInOneHour = ({ prefix, counter, by }: Level): Recording => ({
  record: `${prefix}_judged:increase1h`,
  expr: `sum by (${by}) (increase(${counter}{result=~"good|bad"}[1h]))`,
})

/** The part that may be bad. */
const platformBudgets: readonly Recording[] = objectives.map(objective => ({
  record: 'fairlead:objective_budget:ratio',
  expr: `group by (namespace) (fairlead_build_info) * ${Number((1 - objectiveTargets[objective]).toFixed(6))}`,
  labels: { objective },
}))
const organizationBudget: Recording = {
  record: 'fairlead:organization_objective_budget:ratio',
  expr: '1 - max by (namespace, organization, objective) (fairlead_organization_objective_target_ratio)',
}

/** Groups of recording rules, in the order in which they depend on each other. */
export const recordingGroups: readonly RecordingGroup[] = [
  {
    name: 'fairlead-objectives-counts',
    interval: '5m',
    rules: [platform, organization].flatMap(counted),
  },
  {
    name: 'fairlead-objectives-ratios',
    interval: '30s',
    rules: [
      ...platformBudgets,
      organizationBudget,
      ...[platform, organization].flatMap(level => [
        ...shortWindows.map(window => ratio(level, window)),
        judgedInOneHour(level),
      ]),
    ],
  },
  {
    name: 'fairlead-objectives-long-ratios',
    interval: '2m',
    rules: [platform, organization].flatMap(level => [
      ...longWindows.map(window => ratio(level, window)),
      budgetLeft(level),
    ]),
  },
]

interface Burn {
  readonly factor: number
  readonly long: Window
  readonly short: Window
}
const fast: readonly Burn[] = [
  { factor: 14.4, long: '1h', short: '5m' },
  { factor: 6, long: '6h', short: '30m' },
]
const slow: readonly Burn[] = [
  { factor: 3, long: '1d', short: '2h' },
  { factor: 1, long: '3d', short: '6h' },
]

/** Few webhooks burn fast: one failure of ten an hour is a hundred times the budget. Below this nothing is said. */
const leastJudged = 30

const burns = ({ prefix, by }: Level, rates: readonly Burn[], only = ''): string => {
  const above = (window: Window, factor: number) =>
    `${prefix}_bad:ratio${window}${only} > on (${by}) ${factor} * ${prefix}_budget:ratio`
  const either = rates.map(
    ({ factor, long, short }) => `(${above(long, factor)} and on (${by}) ${above(short, factor)})`,
  )
  return `(
  ${either.join('\n  or ')}
) and on (${by}) ${prefix}_judged:increase1h >= ${leastJudged}`
}

const platformQueries = [
  {
    query: 'fairlead:objective_bad:ratio1h{namespace="$namespace"}',
    tells: 'the part that was bad in the last hour, by objective',
  },
  {
    query: 'fairlead:objective_budget_left:ratio30d{namespace="$namespace"}',
    tells: 'what is left of the budget of 30 days; below 0 the objective is missed',
  },
  {
    query:
      'sum by (objective, result) (increase(fairlead_objective_events_total{namespace="$namespace"}[1h]))',
    tells: 'how many webhooks that is. Many excluded: destinations hold themselves up, which is not counted',
  },
] as const

const organizationQueries = [
  {
    query: 'fairlead:organization_objective_bad:ratio1h{namespace="$namespace"}',
    tells: 'the part that was bad in the last hour, by organization and objective',
  },
  {
    query: 'fairlead:organization_objective_budget_left:ratio30d{namespace="$namespace"}',
    tells: 'what is left of each budget',
  },
  {
    query:
      'topk(5, sum by (organization, destination, result) (increase(fairlead_destination_attempts_total{namespace="$namespace",result=~"failed|dead"}[1h])))',
    tells: 'the destinations that fail most. `dead`: given up; `failed`: to be tried again',
  },
] as const

const where: Readonly<Record<string, string>> = {
  accept: 'FairleadRefusesForLackOfStorage',
  accept_latency: 'FairleadAcceptsSlowly',
  freshness: 'FairleadFirstAttemptsLate',
  log: 'FairleadLogBehind',
}
const furtherPages = Object.entries(where)
  .map(([objective, alert]) => `${objective}: [${alert}](${alert}.md)`)
  .join('; ')

export const objectiveAlerts: readonly Alert[] = [
  {
    name: 'FairleadBudgetBurnsFast',
    severity: 'critical',
    // Whether a delivery ends well is its destination's doing: that never wakes anybody.
    expr: burns(platform, fast, '{objective!="delivery"}'),
    summary:
      '{{ $labels.namespace }} burns its budget of {{ $labels.objective }}: {{ $value | humanizePercentage }} bad',
    description: 'At this rate the budget of 30 days is gone in two days (or in five).',
    runbook: {
      meaning:
        'So much of what was judged in the last hour and in the last five minutes was bad (or in six hours and 30 minutes) that the budget of 30 days would be gone within two (or five) days.',
      impact: `Users of every organization notice. What to look at: ${furtherPages}.`,
      diagnosis: platformQueries,
      mitigation: ['Follow the page of the objective, above.'],
      verification: 'The first query falls below the budget.',
    },
  },
  {
    name: 'FairleadBudgetBurnsSlowly',
    severity: 'warning',
    expr: burns(platform, slow),
    summary: '{{ $labels.namespace }} uses its budget of {{ $labels.objective }} up before 30 days are over',
    description: 'Not at once, but for a day or three.',
    runbook: {
      meaning:
        'What was bad in the last day or three days, if it goes on, uses up the budget before its 30 days are over.',
      impact: `Nobody needs to be woken. What to look at: ${furtherPages}. delivery: destinations fail, see FairleadDeliveriesFail.`,
      diagnosis: platformQueries,
      mitigation: ['Follow the page of the objective, above.'],
      verification: 'The budget that is left stops falling.',
    },
  },
  {
    name: 'FairleadOrganizationBudgetBurnsFast',
    severity: 'warning',
    expr: burns(organization, fast),
    summary:
      '{{ $labels.organization }} burns its budget of {{ $labels.objective }}: {{ $value | humanizePercentage }} bad',
    description:
      'At this rate the budget of 30 days of its spec.slo is gone in two days (or in five). The dashboard "one organization" shows which destination.',
    runbook: {
      meaning: 'An Organization with `spec.slo` misses its own objective fast.',
      impact: 'Its webhooks come late (freshness), or are not delivered (delivery).',
      diagnosis: organizationQueries,
      mitigation: [
        'delivery: one of its destinations fails or hangs; `fairlead issues` and the dashboard "one destination" name it, and its owner mends it.',
        'freshness: what its destination holds up itself is not counted, so the workers are late: see [FairleadFirstAttemptsLate](FairleadFirstAttemptsLate.md).',
      ],
      verification: '`kubectl get organization` shows a budget that falls no more.',
    },
  },
  {
    name: 'FairleadOrganizationBudgetBurnsSlowly',
    severity: 'warning',
    expr: burns(organization, slow),
    summary:
      '{{ $labels.organization }} uses its budget of {{ $labels.objective }} up before 30 days are over',
    description: 'The dashboard "one organization" shows which destination.',
    runbook: {
      meaning: 'An Organization with `spec.slo` would miss its own objective before its 30 days are over.',
      impact: 'As FairleadOrganizationBudgetBurnsFast, more slowly.',
      diagnosis: organizationQueries,
      mitigation: ['As [FairleadOrganizationBudgetBurnsFast](FairleadOrganizationBudgetBurnsFast.md).'],
      verification: '`kubectl get organization` shows a budget that falls no more.',
    },
  },
  {
    name: 'FairleadSeriesFolded',
    severity: 'info',
    expr: 'max by (namespace) (fairlead_organizations_folded) > 0',
    for: '15m',
    summary:
      '{{ $value }} Organizations of {{ $labels.namespace }} with spec.slo have no series of their own',
    description: 'At most 500 have; the others are counted together as organization="other".',
    runbook: {
      meaning:
        'More Organizations declare `spec.slo` than have series of their own. Those that were declared first have.',
      impact:
        'Alerts and dashboards do not show the others apart. Their budget in `kubectl get organization` is exact all the same.',
      diagnosis: [
        { query: 'max (fairlead_organizations_folded{namespace="$namespace"})', tells: 'how many' },
      ],
      mitigation: ['Take `spec.slo` out of Organizations that nobody watches.'],
      verification: 'The query is 0.',
    },
  },
]
