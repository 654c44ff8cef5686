import type { Dashboard } from './builder.ts'
import { max, ofPart, percentiles, quantile, rate, sum } from './terms.ts'

export const deliveryEngine: Dashboard = {
  name: 'delivery-engine',
  title: 'delivery engine',
  description: 'Workers: who owns which partition, what waits, how attempts go.',
  rows: [
    {
      title: 'Ownership',
      panels: [
        {
          kind: 'stat',
          title: 'Partitions with an owner',
          description: 'All 16 are to have one. FairleadPartitionsWithoutOwner.',
          targets: [{ expr: sum('fairlead_worker_partitions'), legend: '' }],
          unit: 'short',
          thresholds: { warn: 16, bad: 15, below: true },
        },
        {
          kind: 'stat',
          title: 'Can not pull for',
          description: 'Where a worker can not get new events or due retries. FairleadUnpulled.',
          targets: [{ expr: max('fairlead_worker_unpulled_seconds'), legend: '' }],
          unit: 's',
          thresholds: { warn: 15, bad: 60 },
        },
        {
          kind: 'state-timeline',
          title: 'Owner of each partition',
          description: 'How many workers own it: 1. During a hand-over 0 for a moment.',
          targets: [{ expr: sum('fairlead_partition_owned', 'partition'), legend: '{{partition}}' }],
          unit: 'short',
        },
        {
          kind: 'timeseries',
          title: 'Moves of partitions',
          description:
            'Claimed, released or lost, a second. Many without a roll-out: workers take each other for dead.',
          targets: [{ expr: rate('fairlead_partition_moves_total', 'change'), legend: '{{change}}' }],
          unit: 'ops',
        },
      ],
    },
    {
      title: 'What waits',
      panels: [
        {
          kind: 'timeseries',
          title: 'Oldest event nobody took',
          description: 'By partition, measured by the store from the streams: true without workers, too.',
          targets: [
            {
              expr: max('fairlead_partition_oldest_unattempted_seconds', 'partition'),
              legend: '{{partition}}',
            },
          ],
          unit: 's',
        },
        {
          kind: 'timeseries',
          title: 'Oldest event not taken, as its owner knows',
          description: 'By partition. The owner is behind where it grows.',
          targets: [
            { expr: max('fairlead_worker_oldest_pending_seconds', 'partition'), legend: '{{partition}}' },
          ],
          unit: 's',
        },
        {
          kind: 'timeseries',
          title: 'Events that wait for a worker',
          description: 'Not taken yet, or in the memory of a worker. FairleadWorkersBehind.',
          targets: [{ expr: sum('fairlead_worker_pending_events', 'pod'), legend: '{{pod}}' }],
          unit: 'short',
          stacked: true,
        },
        {
          kind: 'timeseries',
          title: 'Parked deliveries',
          description: 'By what their lane is. They cost nothing while they wait.',
          targets: [{ expr: sum('fairlead_deliveries_waiting', 'lane'), legend: '{{lane}}' }],
          unit: 'short',
          stacked: true,
        },
        {
          kind: 'timeseries',
          title: 'Parked a second',
          description: 'Deliveries that could not be attempted at once because their lane had no room.',
          targets: [{ expr: rate('fairlead_deliveries_parked_total'), legend: '' }],
          unit: 'ops',
        },
        {
          kind: 'timeseries',
          title: 'Lanes',
          description: 'Destinations with something under way or to remember, by state.',
          targets: [{ expr: sum('fairlead_lanes', 'state'), legend: '{{state}}' }],
          unit: 'short',
        },
      ],
    },
    {
      title: 'Attempts',
      panels: [
        {
          kind: 'timeseries',
          title: 'Attempts under way',
          description: 'By worker. At FAIRLEAD_WORKER_SLOTS no more begin.',
          targets: [{ expr: sum('fairlead_worker_attempts_in_flight', 'pod'), legend: '{{pod}}' }],
          unit: 'short',
          stacked: true,
        },
        {
          kind: 'timeseries',
          title: 'Time of an attempt',
          description: 'From its start to the end of the answer.',
          targets: percentiles('fairlead_attempt_seconds'),
          unit: 's',
        },
        {
          kind: 'timeseries',
          title: 'From receipt to delivery at the first attempt',
          description: 'Without those that needed a retry.',
          targets: percentiles('fairlead_delivery_seconds'),
          unit: 's',
        },
        {
          kind: 'timeseries',
          title: 'Retries by outcome',
          description: 'Attempts that failed and are made again, a second.',
          targets: [
            { expr: `${rate('fairlead_retries_scheduled_total', 'outcome')} > 0`, legend: '{{outcome}}' },
          ],
          unit: 'ops',
        },
        {
          kind: 'timeseries',
          title: 'Breakers',
          description: 'That opened or closed, a second.',
          targets: [
            { expr: rate('fairlead_breaker_changes_total', 'scope, to'), legend: '{{scope}} {{to}}' },
          ],
          unit: 'ops',
        },
        {
          kind: 'heatmap',
          title: 'From receipt to the end of a delivery',
          description: 'Delivered ones, by how long they took.',
          targets: [
            {
              expr: rate('fairlead_delivery_fate_seconds_bucket', 'le', 'result="delivered"'),
              legend: '{{le}}',
            },
          ],
          unit: 's',
        },
      ],
    },
    {
      title: 'Streams and process',
      panels: [
        {
          kind: 'timeseries',
          title: 'Acknowledged by DELIVERIES after, 99th percentile',
          description: 'Of parks and schedules. They linger 50 ms for others.',
          targets: [
            {
              expr: quantile(0.99, 'fairlead_publish_seconds', 'mode', 'stream="DELIVERIES"'),
              legend: '{{mode}}',
            },
          ],
          unit: 's',
        },
        {
          kind: 'timeseries',
          title: 'Event loop of workers, 99th percentile',
          description:
            'Later than 0.1 s: a worker is short of CPU. Under `npm start` it is the loop of API, store and operator, with 0.2 s of sampling in each value.',
          targets: [
            {
              expr: ofPart('nodejs_eventloop_lag_p99_seconds', 'fairlead_worker_partitions'),
              legend: '{{pod}}',
            },
          ],
          unit: 's',
        },
        {
          kind: 'timeseries',
          title: 'Age of the configuration',
          description:
            'Since when workers are not sure that they know every change; they make sure every 5 s.',
          targets: [{ expr: max('fairlead_config_age_seconds', 'pod', 'part="worker"'), legend: '{{pod}}' }],
          unit: 's',
        },
      ],
    },
  ],
}
