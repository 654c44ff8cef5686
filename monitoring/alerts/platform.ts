import { type Alert, missing, whoIsThere } from './alert.ts'

/** Alerts on the log, the streams, the operator and the processes themselves. */
export const platformAlerts: readonly Alert[] = [
  {
    name: 'FairleadNoStore',
    severity: 'critical',
    expr: missing('store', 'fairlead_projection_leading'),
    for: '2m',
    summary: 'No store runs in {{ $labels.namespace }}',
    description: 'Webhooks are accepted and delivered, but nobody sees it, and no setting can be changed.',
    runbook: {
      meaning: 'Prometheus scrapes no store of an installation that has one, or had one within the last day.',
      impact:
        'API, console and operator get no answers; quotas are not counted. Webhooks go on. The log catches up later.',
      diagnosis: whoIsThere('store', 'fairlead_projection_leading'),
      mitigation: [
        '`kubectl get pods -l app.kubernetes.io/component=store`. A store refuses to start as a superuser (`role_unbound`) and before the migration has run (`schema_missing`).',
      ],
      verification: 'The first query returns the pods, and the lag of the log falls.',
    },
  },
  {
    name: 'FairleadLogStands',
    severity: 'critical',
    expr: 'sum by (namespace) (fairlead_projection_leading) < 1',
    for: '5m',
    summary: 'No store writes the log in {{ $labels.namespace }}',
    description:
      'Webhooks are still delivered, but nobody sees it, and quotas are not counted. Is PostgreSQL well?',
    runbook: {
      meaning: 'One store at a time writes the log, and holds a lock in PostgreSQL for it. None does.',
      impact:
        'Events are accepted and delivered. They appear in the log when it goes on; the streams keep them for 7 days.',
      diagnosis: [
        {
          query: 'max by (pod) (fairlead_projection_leading{namespace="$namespace"})',
          tells: 'which stores there are. Other than 1 for one of them: none leads',
        },
        {
          query: 'sum by (code) (rate(fairlead_store_call_seconds_count{namespace="$namespace"}[5m]))',
          tells: 'whether calls fail with `unavailable`: then PostgreSQL is away for all',
        },
      ],
      mitigation: [
        'PostgreSQL away: bring it back; the store connects by itself.',
        "A lock that a dead session holds: `select pid, state, query from pg_stat_activity where application_name like 'fairlead%'`, then `pg_terminate_backend`.",
      ],
      verification: 'The first query has one 1, and the lag falls.',
    },
  },
  {
    name: 'FairleadLogBehind',
    severity: 'warning',
    expr: 'max by (namespace) (fairlead_projection_lag_seconds) > 60',
    for: '10m',
    summary: 'The log of {{ $labels.namespace }} is {{ $value | humanizeDuration }} behind',
    description:
      "PostgreSQL takes less than comes in, or the store's connection to it hangs. Look at its disk and CPU, and at the store's readiness.",
    runbook: {
      meaning: 'The oldest message that is not in the log is older than a minute.',
      impact:
        'The console and the API show events late, quotas are enforced late. Deliveries are not concerned.',
      diagnosis: [
        {
          query: 'max by (stream) (fairlead_projection_behind_messages{namespace="$namespace"})',
          tells: 'how many messages, of which stream',
        },
        {
          query:
            'histogram_quantile(0.99, sum by (le) (rate(fairlead_projection_batch_seconds_bucket{namespace="$namespace"}[5m])))',
          tells: 'how long one transaction takes; above 1 s PostgreSQL is slow',
        },
      ],
      mitigation: [
        'More CPU or a faster disk for PostgreSQL.',
        'Restart the store that leads if its transactions hang.',
      ],
      verification: 'The lag is below 10 s.',
    },
  },
  {
    name: 'FairleadLogUnreadable',
    severity: 'warning',
    expr: 'max by (namespace, stream) (fairlead_projection_unreadable_seconds) > 60',
    for: '1m',
    summary:
      '{{ $labels.stream }} of {{ $labels.namespace }} can not be read for the log for {{ $value | humanizeDuration }}',
    description:
      'The store that writes the log gets nothing from that stream; lines projection.not_reading say why.',
    runbook: {
      meaning: 'The consumer of the projection on one stream can not be made or used.',
      impact:
        'That part of the log stands. Nothing is lost while the stream keeps it (7 days; DEAD 30 days).',
      diagnosis: [
        {
          query: 'max by (stream) (fairlead_projection_unreadable_seconds{namespace="$namespace"})',
          tells: 'which streams. All: NATS. One: that stream has no leader, or a permission is missing',
        },
        {
          query: 'max by (stream) (fairlead_stream_replicas_behind{namespace="$namespace"})',
          tells: 'whether copies of it are away',
        },
      ],
      mitigation: [
        'Bring back the copies of the stream; `nats stream report` shows its leader.',
        'Give the store its permissions: `nats-permissions.yaml` of the chart has them.',
      ],
      verification: 'The first query is 0.',
    },
  },
  {
    name: 'FairleadLogLeavesOut',
    severity: 'warning',
    expr: 'sum by (namespace) (increase(fairlead_projection_skipped_total[1h])) > 0',
    summary: 'Messages could not be written to the log of {{ $labels.namespace }}',
    description: "They were delivered all the same. The store's log has a line for each.",
    runbook: {
      meaning:
        'A message of a stream could not be read or written, and was left out so that the others go on.',
      impact: 'The event log lacks an event or an attempt. The webhook itself was delivered.',
      diagnosis: [
        {
          query: 'sum by (stream) (increase(fairlead_projection_skipped_total{namespace="$namespace"}[1h]))',
          tells: 'how many, of which stream',
        },
      ],
      mitigation: [
        'The line `projection.skipped` has stream, sequence and the reason: a fault to report. Do not delete the message.',
      ],
      verification: 'The query is 0 for an hour.',
    },
  },
  {
    name: 'FairleadConnectionsShort',
    severity: 'warning',
    expr: 'sum by (namespace) (fairlead_store_connections{state="waiting"}) > 0',
    for: '10m',
    summary: 'Calls wait for a connection to PostgreSQL in {{ $labels.namespace }}',
    description: "Raise store.connections or the number of stores, within PostgreSQL's max_connections.",
    runbook: {
      meaning: 'All connections of a store are busy at each scrape for ten minutes.',
      impact: 'API, console and operator answer late.',
      diagnosis: [
        {
          query: 'sum by (pod, state) (fairlead_store_connections{namespace="$namespace"})',
          tells: 'how many are busy',
        },
        {
          query: 'topk(5, sum by (call) (rate(fairlead_store_call_seconds_sum{namespace="$namespace"}[5m])))',
          tells: 'which calls take most of the time',
        },
      ],
      mitigation: [
        'Raise `store.connections`, or `store.replicas`.',
        'A slow call is a fault to report, with the query plan.',
      ],
      verification: 'No call waits any more.',
    },
  },
  {
    name: 'FairleadStreamNearlyFull',
    severity: 'critical',
    expr: `max by (namespace, stream) (fairlead_stream_bytes{stream="EVENTS"})
  / max by (namespace, stream) (fairlead_stream_limit_bytes{stream="EVENTS"}) > 0.9`,
    for: '5m',
    summary: '{{ $labels.stream }} of {{ $labels.namespace }} is {{ $value | humanizePercentage }} full',
    description: 'When it is full, receivers answer 503 so that no accepted event is pushed out.',
    runbook: {
      meaning: 'EVENTS keeps bodies for 7 days, up to `streams.eventsMaxBytes`.',
      impact: 'Nothing yet. When it is full, webhooks are refused with 503.',
      diagnosis: [
        {
          query: 'max by (stream) (fairlead_stream_bytes{namespace="$namespace"})',
          tells: 'the size of each stream',
        },
        {
          query: 'max by (stream) (fairlead_stream_oldest_seconds{namespace="$namespace"}) / 86400',
          tells:
            'the days that each stream holds. EVENTS below 7: it holds more a day than its limit was made for',
        },
      ],
      mitigation: [
        'Raise `streams.eventsMaxBytes` (and the volume of NATS before it).',
        'Limit the organization that sends most: `fairlead usage`.',
      ],
      verification: 'The share on the dashboard "store and streams" is below 80 %.',
    },
  },
  {
    name: 'FairleadStreamFills',
    severity: 'warning',
    expr: `(
  max by (namespace, stream) (predict_linear(fairlead_stream_bytes{stream="EVENTS"}[1h], 14400))
    > max by (namespace, stream) (fairlead_stream_limit_bytes{stream="EVENTS"})
) and (
  max by (namespace, stream) (fairlead_stream_bytes{stream="EVENTS"})
    / max by (namespace, stream) (fairlead_stream_limit_bytes{stream="EVENTS"}) > 0.5
)`,
    for: '15m',
    summary: '{{ $labels.stream }} of {{ $labels.namespace }} is full in four hours at this rate',
    description: 'When it is full, receivers answer 503.',
    runbook: {
      meaning:
        'More than half of the limit of EVENTS is used, and what the last hour added would fill it within four hours.',
      impact: 'Nothing yet.',
      diagnosis: [
        {
          query: 'deriv(fairlead_stream_bytes{namespace="$namespace",stream="EVENTS"}[1h])',
          tells: 'the bytes a second that it grows by',
        },
        {
          query:
            'topk(5, sum by (provider) (rate(fairlead_events_accepted_total{namespace="$namespace"}[1h])))',
          tells: 'which provider sends them',
        },
      ],
      mitigation: ['As for FairleadStreamNearlyFull.'],
      verification: 'The prediction is below the limit.',
    },
  },
  {
    name: 'FairleadStreamReplicaBehind',
    severity: 'warning',
    expr: 'max by (namespace, stream) (fairlead_stream_replicas_behind) > 0',
    for: '5m',
    summary: '{{ $value }} copies of {{ $labels.stream }} in {{ $labels.namespace }} are not current',
    description: 'Another server of NATS that goes away may stop the stream.',
    runbook: {
      meaning:
        'With three copies a stream needs two. At least one is away, or has not caught up for five minutes.',
      impact:
        'Nothing yet. One more loss stops what the stream is for: EVENTS stops intake, DELIVERIES stops retries.',
      diagnosis: [
        {
          query: 'max by (stream) (fairlead_stream_replicas_behind{namespace="$namespace"})',
          tells: 'which streams. All of them: a server is away',
        },
      ],
      mitigation: [
        'Bring the server back. A copy that does not catch up is made anew: `nats stream cluster peer-remove`.',
      ],
      verification: 'The query is 0.',
    },
  },
  {
    name: 'FairleadOrganizationNotReady',
    severity: 'warning',
    expr: 'sum by (namespace, reason) (fairlead_organizations{reason!~"Reconciled|Deleting"}) > 0',
    for: '15m',
    summary: '{{ $value }} Organizations of {{ $labels.namespace }} are not in force: {{ $labels.reason }}',
    description: "What is declared isn't in force; what was before still is. `kubectl describe` says why.",
    runbook: {
      meaning: 'The condition Ready of an Organization is False for a quarter of an hour.',
      impact: 'A change of that Organization does not take effect. Its webhooks go on as before.',
      diagnosis: [
        {
          query: 'sum by (reason) (fairlead_organizations{namespace="$namespace"})',
          tells: 'how many, for which reason; [status](../status.md) explains each reason',
        },
      ],
      mitigation: [
        '`kubectl get organizations -A`, then `kubectl describe` of one that is not Ready: its message says what to do.',
      ],
      verification: 'All are `Reconciled`.',
    },
  },
  {
    name: 'FairleadReplayStuck',
    severity: 'warning',
    expr: 'sum by (namespace, phase) (fairlead_replays{phase=~"Pending|Failed"}) > 0',
    for: '15m',
    summary: '{{ $value }} Replays of {{ $labels.namespace }} are {{ $labels.phase }}',
    description:
      "What they ask for isn't delivered. `kubectl describe` says why; a failed one is to be deleted.",
    runbook: {
      meaning: 'A Replay is not carried out for a quarter of an hour.',
      impact: 'The events it asks for are not delivered again.',
      diagnosis: [
        {
          query: 'sum by (phase) (fairlead_replays{namespace="$namespace"})',
          tells: 'how many are in which phase',
        },
        {
          query: 'sum (rate(fairlead_replay_deliveries_total{namespace="$namespace"}[5m]))',
          tells: 'whether Replays hand over anything',
        },
      ],
      mitigation: ['`kubectl get replays -A`, then `kubectl describe`: its message says what is missing.'],
      verification: 'The Replay is `Completed`, or deleted.',
    },
  },
  {
    name: 'FairleadNobodyReconciles',
    severity: 'warning',
    expr: `(sum by (namespace) (fairlead_operator_leader) < 1) or (${missing('operator', 'fairlead_operator_leader')})`,
    for: '5m',
    summary: 'No operator leads in {{ $labels.namespace }}',
    description: "Changes of Organizations and Secrets don't take effect. What is in force stays so.",
    runbook: {
      meaning: 'No operator runs, or none holds the lease.',
      impact: 'Changes of Organizations, Replays and Secrets wait.',
      diagnosis: [
        {
          query: 'max by (pod) (fairlead_operator_leader{namespace="$namespace"})',
          tells: 'which operators there are, and who leads',
        },
        {
          query: 'sum by (result) (rate(fairlead_reconciliation_seconds_count{namespace="$namespace"}[5m]))',
          tells: 'whether reconciliations are made, and fail',
        },
      ],
      mitigation: [
        'The log of an operator says `lease.failed` with the reason: the API server, or a missing role.',
      ],
      verification: 'One of the first query is 1.',
    },
  },
  {
    name: 'FairleadEventLoopLate',
    severity: 'warning',
    expr: `max by (namespace, pod) (nodejs_eventloop_lag_p99_seconds
  and on (namespace, pod) (fairlead_receiver_organizations or fairlead_worker_partitions)) > 0.5`,
    for: '10m',
    summary: '{{ $labels.pod }} comes half a second late to what is due',
    description: 'It has too little CPU. More pods, or a larger request.',
    runbook: {
      meaning: 'The event loop of a receiver or worker is held up: 1 % of its turns come later than 0.5 s.',
      impact: 'Answers and attempts are late by that much.',
      diagnosis: [
        {
          query: 'sum by (pod) (rate(process_cpu_seconds_total{namespace="$namespace"}[5m]))',
          tells: 'the CPU of each pod. Near to 1, or to its limit: it needs more pods',
        },
        {
          query: 'sum by (pod) (rate(nodejs_gc_duration_seconds_sum{namespace="$namespace"}[5m]))',
          tells: 'the share of the time that garbage collection takes. Above 0.2: too little memory',
        },
      ],
      mitigation: ['More pods or a larger CPU request; take away a CPU limit.'],
      verification: 'The panel "event loop" is below 0.1 s, under `npm start` below 0.3 s.',
    },
  },
  {
    name: 'FairleadScrapeLarge',
    severity: 'warning',
    expr: `(max by (namespace, pod) (fairlead_scrape_bytes) > 1500000)
  or (max by (namespace, pod) (fairlead_scrape_seconds) > 1)`,
    for: '10m',
    summary: 'A scrape of {{ $labels.pod }} is too large or takes too long',
    description: 'Metrics of one part may have 2 MB. More makes Prometheus drop them.',
    runbook: {
      meaning: 'The answer to a scrape has more than 1.5 MB, or took more than a second.',
      impact: 'Prometheus may give up the scrape: dashboards and alerts then see nothing of that pod.',
      diagnosis: [
        {
          query: 'max by (pod) (fairlead_scrape_bytes{namespace="$namespace"})',
          tells: 'the bytes of each pod',
        },
        {
          query: 'max by (pod) (fairlead_scrape_seconds{namespace="$namespace"})',
          tells: 'the seconds of each pod; the store asks NATS within a scrape',
        },
      ],
      mitigation: [
        'Fewer Organizations with `spec.slo`: each has a few series.',
        'A slow scrape of the store is a slow NATS.',
      ],
      verification: 'Both queries are below their thresholds.',
    },
  },
]
