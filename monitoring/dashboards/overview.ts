import type { Dashboard } from './builder.ts'
import { max, of, over, percentiles, quantile, rate, sum } from './terms.ts'

export const overview: Dashboard = {
  name: 'overview',
  title: 'overview',
  description: 'What comes in, what goes out, what waits between, and what is wrong. Begin here.',
  rows: [
    {
      title: 'What is wrong',
      panels: [
        {
          kind: 'table',
          title: 'Alerts that fire, and for how long',
          description:
            'Since their condition holds. Each has a page in docs/operations/alerts/: what it means, how to look, what to do.',
          targets: [
            {
              expr: 'ALERTS{alertstate="firing",alertname=~"Fairlead.+",namespace="$namespace"} * ignoring (alertstate) (time() - ALERTS_FOR_STATE{alertname=~"Fairlead.+",namespace="$namespace"})',
              legend: '',
            },
          ],
          unit: 's',
          width: 12,
          mayBeEmpty: true,
        },
        {
          kind: 'timeseries',
          title: 'Destinations that fail',
          description:
            'Failed attempts a second of the ten that fail most (`dead`: given up), since when, and the trace of one of their webhooks (a dot). Of organizations that declare spec.slo; `fairlead issues` tells of all others.',
          targets: [
            {
              expr: `topk(10, ${rate('fairlead_destination_attempts_total', 'organization, destination, result', 'result=~"failed|dead"')} > 0)`,
              legend: '{{organization}}: {{destination}} {{result}}',
            },
          ],
          unit: 'reqps',
          width: 12,
          mayBeEmpty: true,
          exemplars: true,
        },
        {
          kind: 'table',
          title: 'What failed in the shown time',
          description:
            'Failed attempts by destination; `dead` is what was given up, and what a budget of delivery counts as bad.',
          targets: [
            {
              expr: `topk(10, ${over('fairlead_destination_attempts_total', 'organization, destination, result', 'result=~"failed|dead"')} > 0)`,
              legend: '',
            },
          ],
          unit: 'short',
          width: 12,
          mayBeEmpty: true,
        },
        {
          kind: 'timeseries',
          title: 'Budget left of 30 days',
          description: 'By objective of the platform. 1: nothing was bad. Below 0 the objective is missed.',
          targets: [{ expr: of('fairlead:objective_budget_left:ratio30d'), legend: '{{objective}}' }],
          unit: 'percentunit',
          width: 12,
          mayBeNegative: true,
        },
      ],
    },
    {
      title: 'Intake',
      panels: [
        {
          kind: 'stat',
          title: 'Accepted',
          description: 'Events answered 2xx, a second.',
          targets: [{ expr: rate('fairlead_events_accepted_total'), legend: '' }],
          unit: 'reqps',
        },
        {
          kind: 'stat',
          title: 'Refused for a reason of ours',
          description:
            'Requests answered 503, a second. Senders come again; FairleadRefusesForLackOfStorage.',
          targets: [
            {
              expr: rate('fairlead_requests_refused_total', '', 'code="unavailable",reason!="aborted"'),
              legend: '',
            },
          ],
          unit: 'reqps',
          thresholds: { warn: 0.01, bad: 1 },
        },
        {
          kind: 'stat',
          title: 'Delivered',
          description: 'Attempts that a destination took, a second.',
          targets: [{ expr: rate('fairlead_attempts_total', '', 'outcome="delivered"'), legend: '' }],
          unit: 'reqps',
        },
        {
          kind: 'stat',
          title: 'Given up',
          description:
            'Deliveries that died in the shown time. They are kept for 30 days and can be tried again.',
          targets: [{ expr: over('fairlead_dead_letters_total'), legend: '' }],
          unit: 'short',
          thresholds: { warn: 1, bad: 100 },
        },
        {
          kind: 'stat',
          title: 'Oldest event that nobody took',
          description: 'Of all partitions, measured from the streams. FairleadPartitionStuck from 60 s on.',
          targets: [{ expr: max('fairlead_partition_oldest_unattempted_seconds'), legend: '' }],
          unit: 's',
          thresholds: { warn: 5, bad: 60 },
        },
        {
          kind: 'stat',
          title: 'Lag of the log',
          description: 'Age of the oldest message that console and API do not show yet.',
          targets: [{ expr: max('fairlead_projection_lag_seconds'), legend: '' }],
          unit: 's',
          thresholds: { warn: 10, bad: 60 },
        },
        {
          kind: 'timeseries',
          title: 'Accepted by provider',
          description: 'Events answered 2xx, a second: the ten largest.',
          targets: [
            {
              expr: `topk(10, ${rate('fairlead_events_accepted_total', 'provider')} > 0)`,
              legend: '{{provider}}',
            },
          ],
          unit: 'reqps',
          stacked: true,
        },
        {
          kind: 'timeseries',
          title: 'Refused by reason',
          description: 'Requests that became no event, a second.',
          targets: [
            {
              expr: `${rate('fairlead_requests_refused_total', 'code, reason')} > 0`,
              legend: '{{code}}: {{reason}}',
            },
          ],
          unit: 'reqps',
        },
        {
          kind: 'timeseries',
          title: 'Time to accept',
          description: 'From the request line to the acknowledgement of JetStream.',
          targets: percentiles('fairlead_event_accept_seconds'),
          unit: 's',
          exemplars: true,
        },
      ],
    },
    {
      title: 'Delivery',
      panels: [
        {
          kind: 'timeseries',
          title: 'Time to the first attempt',
          description:
            'From the receipt to the start of attempt 1, whatever held it up. The objective is 5 s.',
          targets: percentiles('fairlead_first_attempt_delay_seconds'),
          unit: 's',
          exemplars: true,
        },
        {
          kind: 'timeseries',
          title: 'Attempts by outcome',
          description: 'A second. What is not `delivered` is tried again, or given up.',
          targets: [{ expr: `${rate('fairlead_attempts_total', 'outcome')} > 0`, legend: '{{outcome}}' }],
          unit: 'reqps',
          stacked: true,
        },
        {
          kind: 'timeseries',
          title: 'Waiting longest',
          description:
            'How long the delivery that goes next in a lane has waited, by what the lane is. Broken and paused lanes are their owners’ matter.',
          targets: [{ expr: max('fairlead_deliveries_oldest_waiting_seconds', 'lane'), legend: '{{lane}}' }],
          unit: 's',
        },
        {
          kind: 'timeseries',
          title: 'Judged bad',
          description:
            'Part of what was judged in five minutes, by objective. `delivery` is the doing of destinations.',
          targets: [{ expr: of('fairlead:objective_bad:ratio5m'), legend: '{{objective}}' }],
          unit: 'percentunit',
        },
        {
          kind: 'timeseries',
          title: 'Judged, by result',
          description: 'Webhooks judged a second. Excluded: a destination or sender held itself up.',
          targets: [
            {
              expr: `${rate('fairlead_objective_events_total', 'objective, result')} > 0`,
              legend: '{{objective}} {{result}}',
            },
          ],
          unit: 'reqps',
        },
        {
          kind: 'timeseries',
          title: 'Given up by reason',
          description: 'Deliveries that died, a second.',
          targets: [{ expr: rate('fairlead_dead_letters_total', 'reason'), legend: '{{reason}}' }],
          unit: 'reqps',
        },
      ],
    },
    {
      title: 'Prober',
      panels: [
        {
          kind: 'timeseries',
          title: 'Probes by result',
          description:
            'Webhooks of the prober a second, by hop. Anything but `good` is late or lost. Empty without a prober.',
          targets: [
            { expr: `${rate('fairlead_probe_total', 'hop, result')} > 0`, legend: '{{hop}} {{result}}' },
          ],
          unit: 'reqps',
        },
        {
          kind: 'timeseries',
          title: 'Oldest probe on its way',
          description: 'By partition. FairleadProbesFail from 60 s on. Empty without a prober.',
          targets: [
            { expr: max('fairlead_probe_oldest_open_seconds', 'partition'), legend: '{{partition}}' },
          ],
          unit: 's',
        },
        {
          kind: 'timeseries',
          title: 'Time of a probe, 99th percentile',
          description: 'From its first try until it passed a hop. Empty without a prober.',
          targets: [{ expr: quantile(0.99, 'fairlead_probe_seconds', 'hop'), legend: '{{hop}}' }],
          unit: 's',
        },
      ],
    },
    {
      title: 'Parts',
      panels: [
        {
          kind: 'table',
          title: 'What runs',
          description: 'Pods by version, and versions of Node.',
          targets: [{ expr: sum('fairlead_build_info', 'version, revision, node'), legend: '' }],
          unit: 'short',
        },
        {
          kind: 'timeseries',
          title: 'CPU',
          description: 'Of each pod. Receivers and workers use one processor each, at most.',
          targets: [{ expr: rate('process_cpu_seconds_total', 'pod'), legend: '{{pod}}' }],
          unit: 'percentunit',
        },
        {
          kind: 'timeseries',
          title: 'Memory',
          description: 'Resident bytes of each pod.',
          targets: [{ expr: max('process_resident_memory_bytes', 'pod'), legend: '{{pod}}' }],
          unit: 'bytes',
        },
        {
          kind: 'timeseries',
          title: 'Answers of the API',
          description: 'A second, by status.',
          targets: [{ expr: rate('fairlead_api_answer_seconds_count', 'status'), legend: '{{status}}' }],
          unit: 'reqps',
          stacked: true,
        },
        {
          kind: 'timeseries',
          title: 'Time of the API, 99th percentile',
          description: 'The slowest five operations.',
          targets: [
            {
              expr: `topk(5, ${quantile(0.99, 'fairlead_api_answer_seconds', 'operation')})`,
              legend: '{{operation}}',
            },
          ],
          unit: 's',
        },
        {
          kind: 'timeseries',
          title: 'Refused by the API',
          description: 'Problems answered, a second, by code.',
          targets: [
            { expr: `${rate('fairlead_api_requests_refused_total', 'code')} > 0`, legend: '{{code}}' },
          ],
          unit: 'reqps',
        },
        {
          kind: 'timeseries',
          title: 'Spans',
          description:
            'A second, by part and what became of them. `dropped` and `failed`: the collector is slow or away. Empty without one.',
          targets: [
            { expr: `${rate('fairlead_spans_total', 'part, result')} > 0`, legend: '{{part}} {{result}}' },
          ],
          unit: 'ops',
        },
        {
          kind: 'timeseries',
          title: 'Traces left out',
          description:
            'Traces a second that were to be kept, by part and why: there were more than the bound of a process. Empty without a collector.',
          targets: [{ expr: rate('fairlead_traces_skipped_total', 'part, why'), legend: '{{part}} {{why}}' }],
          unit: 'ops',
        },
      ],
    },
  ],
}
