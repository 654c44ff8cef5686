import type { Alert } from './alert.ts'

const probeQueries = [
  {
    query: 'max by (partition) (fairlead_probe_oldest_open_seconds{namespace="$namespace"})',
    tells:
      'which partitions are concerned. All: receivers, NATS or all workers. Some: the worker that owns them, see FairleadPartitionStuck',
  },
  {
    query: 'sum by (hop, result) (increase(fairlead_probe_total{namespace="$namespace"}[10m]))',
    tells:
      'which hop fails: `accept` is the receivers, `first_attempt` the workers, `log` the store or the API',
  },
  {
    query:
      'histogram_quantile(0.99, sum by (le, hop) (rate(fairlead_probe_seconds_bucket{namespace="$namespace"}[10m]))) and on (hop) (sum by (hop) (rate(fairlead_probe_seconds_count{namespace="$namespace"}[10m])) > 0)',
    tells: 'how long each hop takes',
  },
] as const

/** Alerts on the prober: what it finds, and the prober itself. Without a prober there is nothing to fire on. */
export const proberAlerts: readonly Alert[] = [
  {
    name: 'FairleadProbesFail',
    severity: 'critical',
    expr: 'max by (namespace) (fairlead_probe_oldest_open_seconds) > 60',
    for: '1m',
    summary:
      'Webhooks of the prober do not arrive in {{ $labels.namespace }}, for {{ $value | humanizeDuration }}',
    description:
      'The prober sends as providers do and takes deliveries as destinations do. What does not arrive for it does not arrive for tenants.',
    runbook: {
      meaning:
        'A webhook that the prober sent is not accepted, or was accepted and has not arrived, for more than a minute.',
      impact: 'Organizations in the same partitions wait, too. Nothing that was accepted is lost by waiting.',
      diagnosis: probeQueries,
      mitigation: [
        '`accept` fails: [FairleadRefusesForLackOfStorage](FairleadRefusesForLackOfStorage.md), [FairleadNoReceiver](FairleadNoReceiver.md); or the way from the prober to the receivers.',
        '`first_attempt` fails: [FairleadNoWorker](FairleadNoWorker.md), [FairleadPartitionStuck](FairleadPartitionStuck.md); or a NetworkPolicy between workers and prober.',
        'The condition `Delivering` of Organizations with `spec.slo`, and lines `probe.lost` of the prober, name events: look at one with `fairlead events ID`.',
      ],
      verification: 'The first query is below 10 for each partition.',
    },
  },
  {
    name: 'FairleadProbesLost',
    severity: 'critical',
    expr: 'sum by (namespace) (increase(fairlead_probe_lost_total[1h])) > 0',
    summary: '{{ $value | humanize }} probes of {{ $labels.namespace }} were accepted and lost',
    description:
      'A receiver answered 2xx, nothing arrived for ten minutes, and the log does not say that it was delivered.',
    runbook: {
      meaning: 'The promise that an accepted webhook is delivered was broken for a webhook of the prober.',
      impact: 'Tenants’ webhooks of the same time may be lost, too.',
      diagnosis: [
        {
          query: 'sum (increase(fairlead_probe_lost_total{namespace="$namespace"}[6h]))',
          tells: 'how many, in six hours',
        },
        {
          query: 'sum (increase(fairlead_probe_repeated_total{namespace="$namespace"}[6h]))',
          tells: 'arrivals that were repeated: what a crash repeats, and no loss',
        },
        ...probeQueries.slice(1),
      ],
      mitigation: [
        'Lines `probe.lost` of the prober have the event’s id; `fairlead events ID` shows how far it came.',
        'Did a stream lose its disk? `nats stream report`; docs/operations/recover.md.',
      ],
      verification: 'No more probes are lost; replay the time for tenants: `fairlead replay`.',
    },
  },
  {
    name: 'FairleadProberStopped',
    severity: 'warning',
    expr: `time() - max by (namespace) (fairlead_probe_last_good_timestamp_seconds) > 300
  or (group by (namespace) (present_over_time(fairlead_probe_partitions[1d])) unless group by (namespace) (fairlead_probe_partitions))`,
    for: '5m',
    summary: 'The prober of {{ $labels.namespace }} tells nothing',
    description:
      'No probe has arrived for five minutes, or the prober is gone. Without it nobody notices what it would.',
    runbook: {
      meaning: 'There was a prober in the last day, and there is none now, or none of its probes arrives.',
      impact:
        'None for tenants by itself. Conditions `Delivering` are Unknown, and the gate of an upgrade fails.',
      diagnosis: [
        {
          query:
            'time() - max by (partition) (fairlead_probe_last_good_timestamp_seconds{namespace="$namespace"})',
          tells: 'seconds since a probe arrived. Nothing: the prober is not scraped',
        },
        {
          query: 'max (fairlead_probe_partitions{namespace="$namespace"})',
          tells: 'below 16: it can not make its organizations; lines `prober.not_covered` say why',
        },
      ],
      mitigation: [
        '`kubectl get pods -l app.kubernetes.io/component=prober`, and its log.',
        'It was switched off on purpose (`prober.enabled`): the alert ends after a day.',
      ],
      verification: 'The first query is below 60 for each partition.',
    },
  },
]
