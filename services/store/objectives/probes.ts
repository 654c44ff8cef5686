import { type Timestamp, timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt'
import { type ProbeReport, ProbeState } from '@fairlead/wire/store/organization'
import { partitionCount } from '@fairlead/wire/subjects'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'

/** What the prober tells of partitions: who asks how an organization does is told of the organization's partition. */

/** A prober that has told nothing for so long is silent, ms. It tells every five seconds. */
const silentMs = 60_000
const longestMessage = 500

const stateWords = { [ProbeState.ARRIVING]: 'arriving', [ProbeState.FAILING]: 'failing' } as const

/** Throws a StoreError `invalid_field`. */
export async function writeProbeReports(
  db: Db,
  reports: readonly ProbeReport[],
  nowMs: number,
): Promise<void> {
  for (const [index, { partition, state }] of reports.entries()) {
    const at = `reports[${index}]`
    if (partition >= partitionCount)
      throw new StoreError('invalid_field', `${at}.partition: must be 0 to ${partitionCount - 1}`, {
        field: at,
      })
    if (!(state in stateWords))
      throw new StoreError('invalid_field', `${at}.state: must be arriving or failing`, { field: at })
  }
  await db.query(
    `insert into probe_reports as known (partition, state, message, last_arrival_at, reported_at)
     select distinct on (n.partition) n.partition, n.state, n.message, n.last_arrival_at, $5
     from unnest($1::smallint[], $2::text[], $3::text[], $4::timestamptz[])
       as n (partition, state, message, last_arrival_at)
     on conflict (partition) do update set state = excluded.state, message = excluded.message,
       last_arrival_at = coalesce(excluded.last_arrival_at, known.last_arrival_at), reported_at = excluded.reported_at`,
    [
      reports.map(({ partition }) => partition),
      reports.map(({ state }) => stateWords[state as keyof typeof stateWords]),
      reports.map(({ message }) => message.replaceAll('\0', '').slice(0, longestMessage)),
      reports.map(({ lastArrivalAt }) => dateOf(lastArrivalAt)),
      new Date(nowMs),
    ],
  )
}

const dateOf = (time: Timestamp | undefined): Date | null => (time ? timestampDate(time) : null)

/** Partition → how its probes do; none where no prober has ever told. */
export async function readProbes(db: Db, nowMs: number) {
  const { rows } = await db.query<{
    partition: number
    state: 'arriving' | 'failing'
    message: string
    last_arrival_at: Date | null
    reported_at: Date
  }>('select partition, state, message, last_arrival_at, reported_at from probe_reports')
  return new Map(
    rows.map(row => {
      const silent = nowMs - row.reported_at.getTime() > silentMs
      const state = row.state === 'arriving' ? ProbeState.ARRIVING : ProbeState.FAILING
      return [
        row.partition,
        {
          state: silent ? ProbeState.SILENT : state,
          message: silent
            ? `the prober has told nothing since ${row.reported_at.toISOString()}`
            : row.message,
          ...(row.last_arrival_at && { lastArrivalAt: timestampFromDate(row.last_arrival_at) }),
        },
      ]
    }),
  )
}
