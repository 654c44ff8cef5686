import { randomUUID } from 'node:crypto'
import type { EventId, OrganizationId, SourceId } from '@fairlead/webhook/id'
import { encodeLogRecords, type RepeatedRecord } from '@fairlead/wire/attempt'
import type { Publisher } from '@fairlead/wire/publish'

/**
 * Reports swallowed repeats (requests that were taken for an event again and not stored) to the event log: added up for
 * each event over a second, in records of ATTEMPTS. No answer waits for this.
 *
 *   note ─▶ added up for a second ─▶ EVENTS' end is asked ─▶ published ─ refused ─▶ again a second later, same message id
 *
 * The log may read a record only after its event. Where the event's sequence isn't known (Redis doesn't keep it), the end
 * of EVENTS stands for it: an id is remembered after its event was stored, so the event lies before that end.
 */
export interface Repeats extends AsyncDisposable {
  note(repeat: Repeat): void
}

export interface Repeat {
  readonly organization: OrganizationId
  readonly sourceId: SourceId
  readonly event: EventId
  /** Whether its body differs from the event's. */
  readonly differs: boolean
  /** Unix milliseconds. */
  readonly atMs: number
}

export interface RepeatOptions {
  readonly publisher: Pick<Publisher, 'publish'>
  readonly subject: string
  /** The last sequence of EVENTS. Rejects while NATS is away. */
  end(): Promise<number>
  /** Called with a number of repeats that the log misses: too many events were repeated at once, or the process ends. */
  lost(repeats: number): void
}

type Told = Omit<RepeatedRecord, 'eventSeq'>

/** How long repeats of one event are added up, ms. */
const gatherMs = 1_000
/** Events whose repeats are added up at one time, about 300 bytes each; one organization has half of them at most. */
const mostEvents = 10_000
/** Records of one message: 150 KB. */
const recordsPerMessage = 500
/** Messages that wait for NATS to come back. */
const mostWaiting = 40

export function openRepeats({ publisher, subject, end, lost }: RepeatOptions): Repeats {
  let gathered = new Map<EventId, { -readonly [Key in keyof Told]: Told[Key] }>()
  let ofOrganization = new Map<OrganizationId, number>()
  /** Not published yet; each keeps its message id, so that what JetStream has already is not counted twice. */
  let waiting: { readonly id: string; readonly records: readonly Told[] }[] = []
  let timer: NodeJS.Timeout | undefined
  let publishing: Promise<void> | undefined

  function schedule(): void {
    timer ??= setTimeout(() => {
      timer = undefined
      publishing ??= publishAll().finally(() => {
        publishing = undefined
        if (waiting.length > 0 || gathered.size > 0) schedule()
      })
    }, gatherMs).unref()
  }

  function gather(): void {
    const records = [...gathered.values()]
    gathered = new Map()
    ofOrganization = new Map()
    for (let i = 0; i < records.length; i += recordsPerMessage) {
      waiting.push({ id: randomUUID(), records: records.slice(i, i + recordsPerMessage) })
    }
    for (const { records } of waiting.splice(0, Math.max(0, waiting.length - mostWaiting)))
      lost(countOf(records))
  }

  async function publishAll(): Promise<void> {
    gather()
    try {
      const eventSeq = await end()
      while (waiting[0]) {
        const { id, records } = waiting[0]
        const text = encodeLogRecords(records.map(record => ({ ...record, eventSeq })))
        await publisher.publish(subject, text, { 'Nats-Msg-Id': id })
        waiting.shift()
      }
    } catch {
      // NATS is away, which readiness reports. Waiting messages are published when it is back.
    }
  }

  return {
    note({ organization, sourceId, event, differs, atMs }) {
      const known = gathered.get(event)
      if (known) {
        known.count += 1
        known.differing += differs ? 1 : 0
        known.at = Math.max(known.at, atMs)
        return
      }
      const held = ofOrganization.get(organization) ?? 0
      if (gathered.size >= mostEvents || held >= mostEvents / 2) return lost(1)
      ofOrganization.set(organization, held + 1)
      const differing = differs ? 1 : 0
      gathered.set(event, { kind: 'repeated', organization, event, sourceId, count: 1, differing, at: atMs })
      schedule()
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(timer)
      await publishing
      await publishAll()
      for (const { records } of waiting) lost(countOf(records))
      waiting = []
    },
  }
}

const countOf = (records: readonly Told[]): number => records.reduce((sum, { count }) => sum + count, 0)
