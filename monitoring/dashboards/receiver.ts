import type { Dashboard } from './builder.ts'
import { max, ofPart, percentiles, quantile, rate, sum } from './terms.ts'

export const receiver: Dashboard = {
  name: 'receiver',
  title: 'receiver',
  description: 'Requests, their bodies, JetStream behind them, and repeats.',
  rows: [
    {
      title: 'Requests',
      panels: [
        {
          kind: 'timeseries',
          title: 'Requests worked on',
          description: 'By receiver. FAIRLEAD_MAX_REQUESTS bounds them; one organization has at most half.',
          targets: [{ expr: sum('fairlead_receiver_requests', 'pod'), legend: '{{pod}}' }],
          unit: 'short',
        },
        {
          kind: 'timeseries',
          title: 'Bodies in memory',
          description: 'Bytes of request bodies, by receiver.',
          targets: [{ expr: sum('fairlead_receiver_body_bytes', 'pod'), legend: '{{pod}}' }],
          unit: 'bytes',
        },
        {
          kind: 'timeseries',
          title: 'Time to accept',
          description: 'From the request line to the acknowledgement of JetStream. The objective is 1 s.',
          targets: percentiles('fairlead_event_accept_seconds'),
          unit: 's',
        },
        {
          kind: 'timeseries',
          title: 'Refused by code',
          description: 'A second. `unavailable` is ours, the others are the sender’s.',
          targets: [{ expr: rate('fairlead_requests_refused_total', 'code'), legend: '{{code}}' }],
          unit: 'reqps',
          stacked: true,
        },
        {
          kind: 'timeseries',
          title: 'Verified with the secret at each position',
          description: 'A second. A second secret that matches no more can be taken out.',
          targets: [
            { expr: rate('fairlead_secrets_matched_total', 'position'), legend: 'secret {{position}}' },
          ],
          unit: 'reqps',
        },
        {
          kind: 'timeseries',
          title: 'Handshakes, and rejections that were not kept',
          description: 'Handshakes carry no event. A rejection is not kept where too many come at once.',
          targets: [
            { expr: rate('fairlead_handshakes_answered_total'), legend: 'handshakes' },
            { expr: rate('fairlead_rejections_unrecorded_total'), legend: 'rejections not kept' },
          ],
          unit: 'reqps',
        },
      ],
    },
    {
      title: 'JetStream',
      panels: [
        {
          kind: 'timeseries',
          title: 'Acknowledged by EVENTS after, 99th percentile',
          description: 'Single messages and atomic batches.',
          targets: [
            {
              expr: quantile(0.99, 'fairlead_publish_seconds', 'mode', 'stream="EVENTS"'),
              legend: '{{mode}}',
            },
          ],
          unit: 's',
        },
        {
          kind: 'heatmap',
          title: 'Messages of a flight to EVENTS',
          description: 'More than one are an atomic batch: the busier, the larger.',
          targets: [
            {
              expr: rate('fairlead_publish_batch_messages_bucket', 'le', 'stream="EVENTS"'),
              legend: '{{le}}',
            },
          ],
          unit: 'short',
        },
        {
          kind: 'timeseries',
          title: 'Events that wait for JetStream',
          description: 'By receiver. Above 5,000 receivers answer 503.',
          targets: [{ expr: sum('fairlead_receiver_unacknowledged_events', 'pod'), legend: '{{pod}}' }],
          unit: 'short',
        },
      ],
    },
    {
      title: 'Repeats',
      panels: [
        {
          kind: 'timeseries',
          title: 'Repeats answered with the first one’s id',
          description: 'A second, by who knew it: JetStream for 5 minutes, Redis for 72 hours.',
          targets: [{ expr: rate('fairlead_duplicates_suppressed_total', 'by'), legend: '{{by}}' }],
          unit: 'reqps',
        },
        {
          kind: 'timeseries',
          title: 'Accepted without an answer of Redis',
          description: 'A second, by reason. FairleadRepeatsUnchecked.',
          targets: [{ expr: rate('fairlead_seen_unchecked_total', 'reason'), legend: '{{reason}}' }],
          unit: 'reqps',
        },
        {
          kind: 'timeseries',
          title: 'Time of Redis',
          description: 'One question may be for many ids.',
          targets: percentiles('fairlead_seen_check_seconds'),
          unit: 's',
        },
        {
          kind: 'stat',
          title: 'Receivers that ask Redis',
          description: 'Those that do not know repeats for 5 minutes only.',
          targets: [{ expr: sum('fairlead_seen_up'), legend: '' }],
          unit: 'short',
        },
        {
          kind: 'stat',
          title: 'Ids that wait for Redis',
          description: 'They are written when it is back.',
          targets: [{ expr: sum('fairlead_seen_waiting_ids'), legend: '' }],
          unit: 'short',
        },
        {
          kind: 'timeseries',
          title: 'Left to be read again, or not told',
          description: 'Ids for which there was no memory; repeats that the log does not know of. A second.',
          targets: [
            { expr: rate('fairlead_seen_deferred_total'), legend: 'ids read again from EVENTS' },
            { expr: rate('fairlead_repeats_untold_total'), legend: 'repeats not in the log' },
            { expr: rate('fairlead_seen_forgotten_total'), legend: 'ids forgotten, Redis is full' },
          ],
          unit: 'ops',
        },
      ],
    },
    {
      title: 'Process',
      panels: [
        {
          kind: 'timeseries',
          title: 'Organizations in memory',
          description: 'By receiver: all of them the same, but for seconds.',
          targets: [{ expr: max('fairlead_receiver_organizations', 'pod'), legend: '{{pod}}' }],
          unit: 'short',
        },
        {
          kind: 'timeseries',
          title: 'Age of the configuration',
          description:
            'Since when receivers are not sure that they know every change. FairleadConfigStale from 60 s on.',
          targets: [
            { expr: max('fairlead_config_age_seconds', 'pod', 'part="receiver"'), legend: '{{pod}}' },
          ],
          unit: 's',
        },
        {
          kind: 'timeseries',
          title: 'Event loop of receivers, 99th percentile',
          description:
            'Later than 0.1 s: a receiver is short of CPU. Under `npm start` it is the loop of API, store and operator, with 0.2 s of sampling in each value.',
          targets: [
            {
              expr: ofPart('nodejs_eventloop_lag_p99_seconds', 'fairlead_receiver_organizations'),
              legend: '{{pod}}',
            },
          ],
          unit: 's',
        },
        {
          kind: 'timeseries',
          title: 'Time of a scrape',
          description: 'Of every pod. The store asks NATS within its own.',
          targets: [{ expr: max('fairlead_scrape_seconds', 'pod'), legend: '{{pod}}' }],
          unit: 's',
        },
        {
          kind: 'timeseries',
          title: 'Bytes of a scrape',
          description: 'Of every pod. FairleadScrapeLarge from 1.5 MB on.',
          targets: [{ expr: max('fairlead_scrape_bytes', 'pod'), legend: '{{pod}}' }],
          unit: 'bytes',
        },
      ],
    },
  ],
}
