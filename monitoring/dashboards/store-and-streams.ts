import type { Dashboard } from './builder.ts'
import { max, of, percentiles, quantile, rate, sum } from './terms.ts'

export const storeAndStreams: Dashboard = {
  name: 'store-and-streams',
  title: 'store and streams',
  description: 'The streams as nats-server has them, the log, and PostgreSQL behind it.',
  rows: [
    {
      title: 'Streams',
      panels: [
        {
          kind: 'timeseries',
          title: 'Full',
          description: 'Bytes of the limit. EVENTS refuses when it is full, the others lose their oldest.',
          targets: [
            {
              expr: `${max('fairlead_stream_bytes', 'stream')} / ${max('fairlead_stream_limit_bytes', 'stream')}`,
              legend: '{{stream}}',
            },
          ],
          unit: 'percentunit',
        },
        {
          kind: 'timeseries',
          title: 'Bytes',
          description: 'Of each stream.',
          targets: [{ expr: max('fairlead_stream_bytes', 'stream'), legend: '{{stream}}' }],
          unit: 'bytes',
        },
        {
          kind: 'timeseries',
          title: 'Messages',
          description: 'Of each stream. DELIVERIES: what waits for a retry, a lane or its turn.',
          targets: [{ expr: max('fairlead_stream_messages', 'stream'), legend: '{{stream}}' }],
          unit: 'short',
        },
        {
          kind: 'timeseries',
          title: 'Age of the oldest message',
          description: 'EVENTS keeps 7 days; less: it is too small for what comes in.',
          targets: [{ expr: max('fairlead_stream_oldest_seconds', 'stream'), legend: '{{stream}}' }],
          unit: 's',
        },
        {
          kind: 'timeseries',
          title: 'Copies that are not current',
          description: 'FairleadStreamReplicaBehind.',
          targets: [{ expr: max('fairlead_stream_replicas_behind', 'stream'), legend: '{{stream}}' }],
          unit: 'short',
        },
        {
          kind: 'timeseries',
          title: 'Can not be read for the log for',
          description: 'By stream. FairleadLogUnreadable from 60 s on.',
          targets: [{ expr: max('fairlead_projection_unreadable_seconds', 'stream'), legend: '{{stream}}' }],
          unit: 's',
        },
      ],
    },
    {
      title: 'Log',
      panels: [
        {
          kind: 'stat',
          title: 'Stores that write the log',
          description: 'One. FairleadLogStands.',
          targets: [{ expr: sum('fairlead_projection_leading'), legend: '' }],
          unit: 'short',
          thresholds: { warn: 1, bad: 0.5, below: true },
        },
        {
          kind: 'stat',
          title: 'Lag',
          description: 'Age of the oldest message that is not in the log. FairleadLogBehind.',
          targets: [{ expr: max('fairlead_projection_lag_seconds'), legend: '' }],
          unit: 's',
          thresholds: { warn: 10, bad: 60 },
        },
        {
          kind: 'timeseries',
          title: 'Messages behind',
          description: 'By stream.',
          targets: [{ expr: max('fairlead_projection_behind_messages', 'stream'), legend: '{{stream}}' }],
          unit: 'short',
        },
        {
          kind: 'timeseries',
          title: 'Messages written',
          description: 'A second, by stream.',
          targets: [{ expr: rate('fairlead_projection_messages_total', 'stream'), legend: '{{stream}}' }],
          unit: 'ops',
        },
        {
          kind: 'timeseries',
          title: 'Time of a transaction',
          description: 'Of the projection.',
          targets: percentiles('fairlead_projection_batch_seconds'),
          unit: 's',
        },
        {
          kind: 'timeseries',
          title: 'Left out, without an event, without a route',
          description:
            'A second. FairleadLogLeavesOut; an event without a route is in the log and delivered nowhere.',
          targets: [
            { expr: rate('fairlead_projection_skipped_total'), legend: 'left out' },
            { expr: rate('fairlead_projection_orphaned_total'), legend: 'without an event' },
            { expr: rate('fairlead_events_unrouted_total'), legend: 'without a route' },
          ],
          unit: 'ops',
        },
      ],
    },
    {
      title: 'Store',
      panels: [
        {
          kind: 'timeseries',
          title: 'Connections to PostgreSQL',
          description: 'By state. Calls that wait: FairleadConnectionsShort.',
          targets: [{ expr: sum('fairlead_store_connections', 'state'), legend: '{{state}}' }],
          unit: 'short',
          stacked: true,
        },
        {
          kind: 'timeseries',
          title: 'Calls by status',
          description: 'gRPC calls a second.',
          targets: [{ expr: rate('fairlead_store_call_seconds_count', 'code'), legend: '{{code}}' }],
          unit: 'reqps',
        },
        {
          kind: 'timeseries',
          title: 'Time of calls, 99th percentile',
          description: 'The slowest five.',
          targets: [
            { expr: `topk(5, ${quantile(0.99, 'fairlead_store_call_seconds', 'call')})`, legend: '{{call}}' },
          ],
          unit: 's',
        },
        {
          kind: 'timeseries',
          title: 'Changes of the configuration',
          description: 'Keys of the bucket put or removed, a second.',
          targets: [{ expr: rate('fairlead_config_writes_total', 'operation'), legend: '{{operation}}' }],
          unit: 'ops',
        },
        {
          kind: 'timeseries',
          title: 'Deliveries of Replays',
          description: 'Handed to the workers, a second.',
          targets: [{ expr: rate('fairlead_replay_deliveries_total'), legend: '' }],
          unit: 'ops',
        },
        {
          kind: 'timeseries',
          title: 'Promotions that were lost',
          description:
            'A second: their rejection and its copy were gone before the event was stored. A line promotion.lost names each.',
          targets: [{ expr: rate('fairlead_promotions_lost_total'), legend: '' }],
          unit: 'ops',
        },
        {
          kind: 'timeseries',
          title: 'Judged by the objective of the log',
          description: 'Events a second: in the log within 10 s of their receipt, or later.',
          targets: [
            {
              expr: `sum by (result) (rate(${of('fairlead_objective_events_total', 'objective="log",result=~"good|bad"')}[$__rate_interval]))`,
              legend: '{{result}}',
            },
          ],
          unit: 'ops',
        },
      ],
    },
  ],
}
