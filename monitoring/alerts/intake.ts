import { type Alert, missing, whoIsThere } from './alert.ts'

/** Alerts on what comes in. */
export const intakeAlerts: readonly Alert[] = [
  {
    name: 'FairleadNoReceiver',
    severity: 'critical',
    expr: missing('receiver', 'fairlead_receiver_organizations'),
    for: '2m',
    summary: 'No receiver answers in {{ $labels.namespace }}',
    description:
      'Prometheus finds no receiver. Webhooks are refused, and providers try again for hours at most.',
    runbook: {
      meaning:
        'Prometheus scrapes no receiver of an installation that has one, or had one within the last day.',
      impact:
        'Providers get no answer, or one of the load balancer. They send again, most of them for hours to days; what a provider gives up meanwhile is lost to us.',
      diagnosis: whoIsThere('receiver', 'fairlead_receiver_organizations'),
      mitigation: [
        '`kubectl get pods -l app.kubernetes.io/component=receiver`: a pod that restarts says why in `kubectl logs --previous`; exit code 78 is a faulty configuration, all of whose faults are in the log.',
        'A pod that is not ready: `kubectl get --raw` its `/readyz`, or read its events. `receiver.nats` failing means that NATS is away.',
        'All pods are well and the alert stays: Prometheus can not scrape them. The webhooks are safe.',
        'An installation that was removed on purpose goes quiet after a day; silence the alert for its namespace.',
      ],
      verification:
        'The first query returns the pods again, and the rate of accepted events on the overview comes back.',
    },
  },
  {
    name: 'FairleadRefusesForLackOfStorage',
    severity: 'critical',
    expr: `sum by (namespace) (rate(fairlead_requests_refused_total{code="unavailable",reason!="aborted"}[5m]))
  > 0.01 * (sum by (namespace) (rate(fairlead_events_accepted_total[5m]))
    + sum by (namespace) (rate(fairlead_requests_refused_total{code="unavailable",reason!="aborted"}[5m])))`,
    for: '5m',
    summary: 'More than 1 % of webhooks are answered 503 in {{ $labels.namespace }}',
    description: "Receivers can't store what comes in. NATS is away, too slow, or the stream EVENTS is full.",
    runbook: {
      meaning:
        'A receiver answers 2xx only when JetStream holds the event. It answers 503 with Retry-After where that fails, or where it has too much in hand.',
      impact: 'Providers send again. Nothing that was answered 2xx is lost.',
      diagnosis: [
        {
          query:
            'sum by (reason) (rate(fairlead_requests_refused_total{namespace="$namespace",code="unavailable"}[5m]))',
          tells:
            'why. `refused`: the stream is full or absent. `no_acknowledgement`: NATS is away or slow. `overloaded`: more comes in than this many receivers take',
        },
        {
          query:
            'max by (stream) (fairlead_stream_bytes{namespace="$namespace"}) / max by (stream) (fairlead_stream_limit_bytes{namespace="$namespace"})',
          tells: 'how full the streams are. EVENTS at 1 refuses',
        },
        {
          query:
            'histogram_quantile(0.99, sum by (le) (rate(fairlead_publish_seconds_bucket{namespace="$namespace",stream="EVENTS"}[5m])))',
          tells: 'how long JetStream takes to acknowledge; above 0.1 s look at its disk',
        },
      ],
      mitigation: [
        'Full: raise `streams.eventsMaxBytes` if the disk has room, and find out why events stay: see FairleadWorkersBehind and FairleadPartitionStuck.',
        'NATS away: `kubectl get pods -l app.kubernetes.io/component=nats`. A stream without a leader needs a majority of its copies.',
        'Overloaded: more receivers (`receiver.replicas`, or its autoscaler).',
      ],
      verification: 'The first query is 0 for five minutes.',
    },
  },
  {
    name: 'FairleadAcceptsSlowly',
    severity: 'warning',
    expr: `sum by (namespace) (rate(fairlead_objective_events_total{objective="accept_latency",result="bad"}[5m]))
  > 0.01 * sum by (namespace) (rate(fairlead_objective_events_total{objective="accept_latency",result=~"good|bad"}[5m]))`,
    for: '10m',
    summary: 'One of a hundred webhooks waits longer than 1 s for its answer in {{ $labels.namespace }}',
    description: "JetStream acknowledges slowly. Look at its disk, and at the receivers' CPU.",
    runbook: {
      meaning:
        'More than 1 % of the accepted webhooks were answered later than 1 s after their request line. Each is judged in the receiver, so the threshold is exact.',
      impact:
        'Providers with short time-outs (Shopify 5 s, Slack 3 s) may give up and send again. Repeats are recognised, so nothing is delivered twice.',
      diagnosis: [
        {
          query:
            'histogram_quantile(0.99, sum by (le) (rate(fairlead_publish_seconds_bucket{namespace="$namespace",stream="EVENTS"}[5m])))',
          tells: 'the part of JetStream. Near to the whole: its disk or its network',
        },
        {
          query:
            'max by (pod) (nodejs_eventloop_lag_p99_seconds{namespace="$namespace"} and on (namespace, pod) fairlead_receiver_organizations)',
          tells: 'whether receivers are short of CPU: above 0.1 s they are',
        },
      ],
      mitigation: [
        'A slow disk under NATS: a faster class of storage, or fewer neighbours on its node.',
        'A short CPU: more receivers, or a larger request.',
      ],
      verification:
        'The latency panel of the dashboard "receiver" is back, and the objective accept_latency burns no more.',
    },
  },
  {
    name: 'FairleadSignaturesDoNotMatch',
    severity: 'warning',
    expr: `sum by (namespace) (rate(fairlead_requests_refused_total{code="signature_mismatch"}[30m]))
  > sum by (namespace) (rate(fairlead_events_accepted_total[30m]))`,
    for: '30m',
    summary: 'More signatures fail than match in {{ $labels.namespace }}',
    description:
      'A secret was changed on one side only, or somebody tries. `fairlead rejections` says where.',
    runbook: {
      meaning: 'More requests fail the check of their signature than are accepted.',
      impact:
        'Webhooks of the sources concerned are refused with 401. Most providers send them again for a while.',
      diagnosis: [
        {
          query:
            'sum by (reason) (rate(fairlead_requests_refused_total{namespace="$namespace",code="signature_mismatch"}[30m]))',
          tells:
            'the exact reason: a secret that differs is `signature_mismatch`; a body that a proxy changed is `body_hash_mismatch`',
        },
        {
          query: 'sum by (provider) (rate(fairlead_events_accepted_total{namespace="$namespace"}[30m]))',
          tells: 'which providers still get through',
        },
      ],
      mitigation: [
        '`kubectl fairlead rejections` lists the refused requests of an organization with the reason and what was tried; give the new secret beside the old one ([rotate](../rotate.md)).',
        'Requests of a stranger need nothing: they cost less than accepted ones.',
      ],
      verification: 'The first query falls below the second.',
    },
  },
  {
    name: 'FairleadRepeatsUnchecked',
    severity: 'warning',
    // A webhook now and then that waited for longer than 5 ms wakes nobody.
    expr: `sum by (namespace) (rate(fairlead_seen_unchecked_total[10m]))
  > 0.01 * sum by (namespace) (rate(fairlead_events_accepted_total[10m]))`,
    for: '15m',
    summary: 'Redis does not answer in time for more than 1 % of webhooks in {{ $labels.namespace }}',
    description: "Repeats of webhooks are known for JetStream's 5 minutes only, and may be delivered twice.",
    runbook: {
      meaning:
        'Receivers accept events without the answer of Redis whether they were accepted within 72 hours.',
      impact:
        'A repeat that comes later than five minutes after the first is delivered again, with the same `webhook-id`. Nothing is refused.',
      diagnosis: [
        {
          query: 'sum by (reason) (rate(fairlead_seen_unchecked_total{namespace="$namespace"}[10m]))',
          tells:
            '`down`: no connection. `late`: slower than 5 ms. `failed`: it answers with errors, such as a full memory',
        },
        {
          query: 'min by (pod) (fairlead_seen_up{namespace="$namespace"})',
          tells: 'which receivers do not reach it',
        },
      ],
      mitigation: [
        'Restart Redis, or give it more memory. Ids that could not be written wait in the receivers, and are read again from EVENTS.',
      ],
      verification: '`fairlead_seen_up` is 1 everywhere, and the first query is 0.',
    },
  },
  {
    name: 'FairleadConfigStale',
    severity: 'warning',
    expr: 'max by (namespace, part) (fairlead_config_age_seconds) > 60',
    for: '1m',
    summary:
      'A {{ $labels.part }} in {{ $labels.namespace }} may have missed changes for {{ $value | humanizeDuration }}',
    description: 'Its watch of the configuration does not go on. What it knew stays in force.',
    runbook: {
      meaning:
        'Receivers and workers make sure every 5 s that they know the last change of the configuration. One could not for more than a minute.',
      impact:
        'New sources, secrets, routes and pauses do not take effect in that part. Deliveries and answers go on with what it knew.',
      diagnosis: [
        {
          query: 'max by (part, pod) (fairlead_config_age_seconds{namespace="$namespace"})',
          tells: 'which pods. All of them: NATS or the stream KV_config. One: its connection',
        },
        {
          query: 'sum by (operation) (rate(fairlead_config_writes_total{namespace="$namespace"}[10m]))',
          tells: 'whether the store writes changes',
        },
      ],
      mitigation: [
        'All: see whether the stream KV_config has a leader.',
        'One: delete the pod; it reads everything anew.',
      ],
      verification: 'The first query is below 10 everywhere.',
    },
  },
  {
    name: 'FairleadNoApi',
    severity: 'warning',
    expr: missing('api', 'fairlead_api_requests_refused_total'),
    for: '5m',
    summary: 'No API answers in {{ $labels.namespace }}',
    description:
      'Prometheus finds no API. Console, command line and clients get no answer; webhooks are not concerned.',
    runbook: {
      meaning:
        'Prometheus scrapes no pod of the API of an installation that has one, or had one within the last day.',
      impact: 'Nobody sees the log or changes settings. Webhooks are accepted and delivered.',
      diagnosis: whoIsThere('API', 'fairlead_api_requests_refused_total'),
      mitigation: [
        '`kubectl get pods -l app.kubernetes.io/component=api` and the log of a pod that restarts.',
      ],
      verification: 'The first query returns the pods again.',
    },
  },
]
