import { type Alert, missing, whoIsThere } from './alert.ts'

/** Alerts on what goes out. Destinations that fail are their owners' matter: nothing here that they cause is critical. */
export const deliveryAlerts: readonly Alert[] = [
  {
    name: 'FairleadPartitionsWithoutOwner',
    severity: 'critical',
    expr: 'sum by (namespace) (fairlead_worker_partitions) < 16',
    for: '5m',
    summary: '{{ $value }} of 16 partitions have a worker in {{ $labels.namespace }}',
    description:
      'Organizations of the others get nothing delivered. Look whether workers run and reach NATS.',
    runbook: {
      meaning:
        'Every organization belongs to one of 16 partitions, and each partition to one worker. Some have none.',
      impact:
        'Events of organizations in those partitions are accepted and kept for 7 days, and are delivered late.',
      diagnosis: [
        {
          query: 'sum by (partition) (fairlead_partition_owned{namespace="$namespace"}) == 0',
          tells: 'the partitions without an owner. All is well where there are none',
        },
        {
          query: 'sum by (change) (increase(fairlead_partition_moves_total{namespace="$namespace"}[10m]))',
          tells: 'whether partitions move all the time: then workers take each other for dead',
        },
        {
          query: 'max by (pod) (fairlead_worker_unpulled_seconds{namespace="$namespace"})',
          tells: 'whether workers reach NATS',
        },
      ],
      mitigation: [
        "A worker says on `/readyz` which partitions it can't open, and in its log why (`worker.failed`).",
        'Streams without a leader: see NATS. Workers that lack CPU do not send heartbeats in time: raise their request.',
      ],
      verification:
        '`sum(fairlead_worker_partitions)` is 16, and the age of the oldest unattempted event falls.',
    },
  },
  {
    name: 'FairleadNoWorker',
    severity: 'critical',
    expr: missing('worker', 'fairlead_worker_partitions'),
    for: '2m',
    summary: 'No worker runs in {{ $labels.namespace }}',
    description: 'Prometheus finds no worker. Webhooks are accepted and kept, and nothing is delivered.',
    runbook: {
      meaning:
        'Prometheus scrapes no worker of an installation that has one, or had one within the last day.',
      impact:
        'Nothing is delivered. Events are kept for 7 days, or until EVENTS is full; then receivers answer 503.',
      diagnosis: [
        ...whoIsThere('worker', 'fairlead_worker_partitions'),
        {
          query: 'max by (partition) (fairlead_partition_oldest_unattempted_seconds{namespace="$namespace"})',
          tells:
            'since when events wait. The store measures it, so it is true without workers. Small: workers run, and only Prometheus does not reach them',
        },
      ],
      mitigation: [
        '`kubectl get pods -l app.kubernetes.io/component=worker`, then `kubectl describe` of one that does not start: no node has room, or the image is missing.',
        'Exit code 78 is a faulty configuration, all of whose faults are in the log.',
      ],
      verification: 'The last query falls to a few seconds.',
    },
  },
  {
    name: 'FairleadPartitionStuck',
    severity: 'critical',
    expr: 'max by (namespace, partition) (fairlead_partition_oldest_unattempted_seconds) > 60',
    for: '2m',
    summary:
      'Partition {{ $labels.partition }} of {{ $labels.namespace }} has an event that nobody took for {{ $value | humanizeDuration }}',
    description: 'No worker is done with it: it is not attempted, not parked, not stored elsewhere.',
    runbook: {
      meaning:
        'An event lies in EVENTS for more than a minute and its worker has not acknowledged it. A destination that hangs does not cause this: its deliveries are parked.',
      impact: 'All organizations of the partition wait behind it.',
      diagnosis: [
        {
          query: 'sum by (partition) (fairlead_partition_owned{namespace="$namespace"})',
          tells: 'whether the partition has an owner (0: see FairleadPartitionsWithoutOwner)',
        },
        {
          query: 'max by (pod) (fairlead_worker_unpulled_seconds{namespace="$namespace"})',
          tells: 'whether its owner can pull',
        },
        {
          query: 'max by (partition) (fairlead_worker_oldest_pending_seconds{namespace="$namespace"})',
          tells: 'whether the owner is behind (it grows) or has the event in hand and does not end it (0)',
        },
      ],
      mitigation: [
        'Behind: more workers (FairleadWorkersBehind).',
        'In hand: the log of the owner has `worker.failed` with the reason; deleting the pod gives the partition to another worker within 10 s. Attempts that were under way may be repeated.',
      ],
      verification: 'The age on the dashboard "delivery engine" is below 5 s for every partition.',
    },
  },
  {
    name: 'FairleadUnpulled',
    severity: 'critical',
    expr: 'max by (namespace) (fairlead_worker_unpulled_seconds) > 60',
    for: '1m',
    summary: 'A worker in {{ $labels.namespace }} can not pull events for {{ $value | humanizeDuration }}',
    description: 'New events or due retries of at least one partition stay where they are.',
    runbook: {
      meaning: 'A worker owns a partition and can not make or use its consumer in JetStream.',
      impact: 'Organizations of the partition get nothing delivered. Nothing is lost.',
      diagnosis: [
        {
          query: 'max by (pod) (fairlead_worker_unpulled_seconds{namespace="$namespace"})',
          tells: 'which worker. All of them: the stream EVENTS or DELIVERIES has no leader',
        },
        {
          query: 'max by (stream) (fairlead_stream_replicas_behind{namespace="$namespace"})',
          tells: 'whether copies of a stream are away',
        },
      ],
      mitigation: [
        'All: bring NATS back to a majority of its servers.',
        'One: its log says why (`worker.failed`); a user without permission for `$JS.API.CONSUMER.CREATE` is a change of NATS accounts. Delete the pod if nothing explains it.',
      ],
      verification: 'The first query is 0.',
    },
  },
  {
    name: 'FairleadFirstAttemptsLate',
    severity: 'warning',
    expr: `(
  sum by (namespace) (rate(fairlead_objective_events_total{objective="freshness",result="bad"}[5m]))
    > 0.1 * sum by (namespace) (rate(fairlead_objective_events_total{objective="freshness",result=~"good|bad"}[5m]))
) and sum by (namespace) (increase(fairlead_objective_events_total{objective="freshness",result=~"good|bad"}[5m])) >= 30`,
    for: '5m',
    summary: 'One of ten first attempts begins later than 5 s after the receipt in {{ $labels.namespace }}',
    description: 'What destinations hold up themselves is not counted: workers are behind.',
    runbook: {
      meaning:
        'More than 10 % of the first attempts of five minutes began too late, without their destination being the reason.',
      impact: 'Webhooks of all organizations come late.',
      diagnosis: [
        {
          query: 'sum by (pod) (fairlead_worker_pending_events{namespace="$namespace"})',
          tells: 'how much waits, and in which workers',
        },
        {
          query: 'sum by (pod) (fairlead_worker_attempts_in_flight{namespace="$namespace"})',
          tells:
            'whether slots are used up: then many destinations hang at once, or FAIRLEAD_WORKER_SLOTS is too small',
        },
        {
          query:
            'max by (pod) (nodejs_eventloop_lag_p99_seconds{namespace="$namespace"} and on (namespace, pod) fairlead_worker_partitions)',
          tells: 'whether workers are short of CPU',
        },
      ],
      mitigation: [
        'More workers, 16 at most, or more CPU for each.',
        'More slots (`worker.slots`) where they are used up and CPU is left.',
      ],
      verification: 'The panel "first attempts" of the overview is below 5 s at its 99th percentile.',
    },
  },
  {
    name: 'FairleadWorkersBehind',
    severity: 'warning',
    expr: 'sum by (namespace) (fairlead_worker_pending_events) > 10000',
    for: '10m',
    summary: '{{ $value | humanize }} events wait for a worker in {{ $labels.namespace }}',
    description: 'More comes in than workers take. Give them more CPU or more pods, 16 at most.',
    runbook: {
      meaning:
        'Events that no worker has taken, and deliveries that wait in the memory of workers, are more than 10,000.',
      impact: 'Deliveries come late; nothing is lost until EVENTS is full.',
      diagnosis: [
        {
          query: 'sum by (partition) (fairlead_worker_oldest_pending_seconds{namespace="$namespace"})',
          tells: 'how late. One partition alone: an organization sends a flood',
        },
        {
          query: 'sum (rate(fairlead_attempts_total{namespace="$namespace"}[5m]))',
          tells: 'what the workers do a second, to compare with the rate of accepted events',
        },
      ],
      mitigation: [
        'Raise `worker.replicas`, or its autoscaler’s maximum, up to 16.',
        'Limit the organization that floods: `spec.rateLimit`.',
      ],
      verification: 'The number falls on the dashboard "delivery engine".',
    },
  },
  {
    name: 'FairleadDeliveriesFail',
    severity: 'warning',
    expr: `sum by (namespace) (rate(fairlead_attempts_total{outcome!="delivered"}[15m]))
  > sum by (namespace) (rate(fairlead_attempts_total[15m])) / 2`,
    for: '30m',
    summary: 'More attempts fail than succeed in {{ $labels.namespace }}',
    description: 'Many destinations, or a busy one, answer with errors, or the way out is blocked.',
    runbook: {
      meaning: 'Of all attempts of 15 minutes more than half failed, for half an hour.',
      impact: 'Deliveries are tried again as their destination’s `retry` says, and given up after that.',
      diagnosis: [
        {
          query: 'topk(5, sum by (outcome) (rate(fairlead_attempts_total{namespace="$namespace"}[15m])))',
          tells:
            'how attempts end. `dns_failed`, `network_unreachable` and `connect_timeout` together: the way out of the cluster is blocked. `destination_failed`: destinations answer 5xx',
        },
        {
          query: 'sum by (scope, to) (increase(fairlead_breaker_changes_total{namespace="$namespace"}[15m]))',
          tells: 'how many breakers opened: few for one busy destination, many for a common cause',
        },
      ],
      mitigation: [
        'The way out: NetworkPolicies and a firewall; a name server that does not answer.',
        'A destination of one organization: `fairlead issues` names it; it may be paused until its owner has mended it.',
      ],
      verification: '`delivered` is the largest of the first query again.',
    },
  },
  {
    name: 'FairleadDeadLetters',
    severity: 'warning',
    expr: 'sum by (namespace) (increase(fairlead_dead_letters_total[1h])) > 0',
    summary: '{{ $value | humanize }} deliveries were given up in the last hour in {{ $labels.namespace }}',
    description: 'They are kept for 30 days and can be tried again; `fairlead dead-letters` lists them.',
    runbook: {
      meaning: 'A delivery used up its attempts, or could not be made at all.',
      impact: 'Its destination did not get it. The event and its body are kept for 30 days in DEAD.',
      diagnosis: [
        {
          query: 'sum by (reason) (increase(fairlead_dead_letters_total{namespace="$namespace"}[1h])) > 0',
          tells:
            'why. `attempts_exhausted` and `gone` are the destination’s doing; `event_expired` means that it waited for longer than bodies are kept',
        },
        {
          query:
            'topk(5, sum by (outcome) (increase(fairlead_attempts_total{namespace="$namespace",outcome!="delivered"}[1h])))',
          tells: 'how the attempts before ended',
        },
      ],
      mitigation: [
        '`kubectl fairlead dead-letters` says which destinations. Once they are well: `kubectl fairlead retry`, or a Replay.',
      ],
      verification: 'The events are shown as delivered.',
    },
  },
]
