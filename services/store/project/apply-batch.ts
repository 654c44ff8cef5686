import type { OrganizationId } from '@fairlead/webhook/id'
import { recountEvents } from '../events/recount.ts'
import { countHours } from '../objectives/count-hours.ts'
import type { Slo } from '../organizations/rows.ts'
import { ensureDays } from '../partitions.ts'
import type { Db } from '../scope.ts'
import { type DeadRecord, eventKey, type FoldedEvent, fold, type LoggedAttempt } from './fold.ts'
import type { Batch } from './take-batch.ts'
import { addUsage, foldRuns, noteDestinations, noteSources } from './write-activity.ts'
import { insertAttempts } from './write-attempts.ts'
import { noteFailures, noteRecoveries } from './write-issues.ts'
import { insertEvents, locateEvents, type NewEvent, noteDeadLetters, upsertDeliveries } from './write-log.ts'
import { countRequests, noteRepeats } from './write-repeats.ts'
import { addRollups, countedTypes, foldRollups } from './write-rollups.ts'
import { insertValues } from './write-values.ts'

export interface Applied {
  /** Events that are new in the log. */
  events: readonly { readonly organization: OrganizationId }[]
  /** Attempts that are new in the log. */
  attempts: readonly LoggedAttempt[]
  /** Organizations with events that are new in the log. */
  accepted: Set<OrganizationId>
  /** Events without a route in this batch, for each organization. */
  unrouted: ReadonlyMap<OrganizationId, number>
  /** Events that records name and that the log doesn't hold (any more): these records are dropped. */
  orphans: number
}

/**
 * Writes a batch in the open transaction. An event that comes together with its attempts, as most do, is written once,
 * in its final state; for events that were in the log before, the deliveries are counted again.
 *
 * @param slos of all organizations that declare objectives of their own
 */
export async function applyBatch(
  db: Db,
  batch: Batch,
  slos: ReadonlyMap<OrganizationId, Slo> = new Map(),
): Promise<Applied> {
  const events = batch.events.flatMap(({ seq, value }): NewEvent[] => (value ? [{ seq, meta: value }] : []))
  const letters = batch.dead.flatMap(({ seq, value }) => (value ? [{ seq, ...value }] : []))
  const records = batch.attempts.flatMap(({ value = [] }) => value)
  const repeats = records.filter(record => record.kind === 'repeated')
  const folded = fold(records, letters)
  const byKey = new Map(folded.map(event => [eventKey(event.organization, event.id), event]))

  const [change] = await Promise.all([
    nextChange(db),
    ensureDays(db, new Set(events.map(({ meta }) => utcDay(meta.receivedAt)))),
  ])
  const inserted = await insertEvents(db, events, byKey, change)
  const fresh = [...inserted.values()]
  for (const [key, { meta }] of inserted) {
    const event = byKey.get(key)
    if (event) takeRow(event, meta)
  }
  const isNew = (event: (typeof folded)[number]) => inserted.has(eventKey(event.organization, event.id))
  const earlier = await locateEvents(
    db,
    folded.filter(event => !isNew(event)),
  )
  const known = [...folded.filter(isNew), ...earlier]
  const runs = foldRuns(known)

  // Sent together and run in this order.
  const [rows, types] = await Promise.all([
    insertAttempts(db, known),
    countedTypes(db, fresh, earlier),
    insertValues(db, fresh),
    upsertDeliveries(db, known),
    noteDeadLetters(db, lettersOf(known, letters)),
    recountEvents(db, earlier, change),
    noteRepeats(db, repeats),
    countRequests(db, fresh, repeats),
    addUsage(db, fresh),
    noteSources(db, fresh),
    noteDestinations(db, runs),
  ])
  const attempts = rows.map(({ attempt }) => attempt)
  await Promise.all([
    addRollups(db, foldRollups(fresh, rows, types)),
    noteFailures(db, rows),
    noteRecoveries(db, runs, fresh),
    countHours(db, attempts, slos, Date.now()),
  ])
  return {
    events: fresh.map(({ meta }) => meta),
    attempts,
    accepted: new Set(fresh.map(({ meta }) => meta.organization)),
    unrouted: countUnrouted(known),
    orphans: folded.length - known.length,
  }
}

/** Gives an event what its row has and records don't say. */
function takeRow(event: FoldedEvent, { receivedAt, mode = 'live', source, type }: NewEvent['meta']): void {
  Object.assign(event, { receivedAt, mode, source, type } satisfies Partial<FoldedEvent>)
}

/** Where the dead letters of known events are in DEAD. */
function lettersOf(known: readonly FoldedEvent[], letters: readonly (DeadRecord & { seq: number })[]) {
  const byKey = new Map(known.map(event => [eventKey(event.organization, event.id), event]))
  return letters.flatMap(({ seq, event: meta, dead }) => {
    const event = byKey.get(eventKey(meta.organization, meta.id))
    return event ? [{ event, destination: dead.destination, seq }] : []
  })
}

/** The number of this batch. */
async function nextChange(db: Db): Promise<string> {
  const { rows } = await db.query<{ change: string }>("select nextval('log_changes') as change")
  return rows[0]!.change
}

function countUnrouted(events: readonly FoldedEvent[]): Map<OrganizationId, number> {
  const counts = new Map<OrganizationId, number>()
  for (const { organization, of } of events) {
    if (of === 0) counts.set(organization, (counts.get(organization) ?? 0) + 1)
  }
  return counts
}

const utcDay = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
