import { eventId, fromUuid, toUuid } from '@fairlead/webhook/id'
import type { BillingNoticeType } from '@fairlead/wire/notice'
import { loggedEvents } from '../logged-events.ts'
import { publishNotice, type TellTools } from '../notifications/publish.ts'
import { requireCurrentLog } from '../rejections/carry-out.ts'
import { type Db, inScope } from '../scope.ts'
import { digestsOf, noticeOf, type Tellable, type ToldKind, toldKinds } from './outbox.ts'
import { inPlace, isLockedOut, lockPlaces, lockPlaceWithin, type Place, placeValues } from './place.ts'
import { mostSettled, settleUnheard } from './settle-unheard.ts'
import { readTellable } from './tellable.ts'

/*
 * Makes an event of each change of the ledger that is due, as notices are (docs/adr/0050): delivered, retried, logged and signed
 * like any other, to the organization's own destination. Its id is made from the object and of how often it was told, so that a
 * store that was killed after it published makes the same event again, which JetStream or the log knows.
 */

/** The source of these events. No source of a tenant can have this name. */
export const ledgerSource = '_ledger'

/** Places and objects of a place that are looked at in one round. */
const mostPlaces = 50
const mostObjects = 100
/** Pages of objects that are told of one place in one round. */
const mostPages = 10
/** The longest wait for a place's turn, ms. */
const mostLockMs = 1_000

const planned = { planned: true }

interface Due {
  readonly kind: ToldKind
  readonly object_id: string
  readonly change: number
  readonly told: number
  readonly told_status: string | null
  readonly told_digest: string | null
  readonly told_history: string | null
}

interface Change {
  readonly due: Due
  readonly tellable: Tellable | undefined
  /** Undefined: there is nothing to tell. */
  readonly type: BillingNoticeType | undefined
}

/** Where an organization is told, and of what. */
interface Listener {
  readonly slug: string
  readonly destination_id: string
  readonly types: readonly string[]
}

/** Tells what is due. Rejects where NATS or Postgres is away, and where a place's changes were not told: they are told later. */
export async function tellLedgerChanges(tools: TellTools): Promise<void> {
  const places = await inScope(tools.pool, 'platform', async db => {
    const { rows } = await db.query<{ organization_id: string } & Omit<Place, 'organization'>>(
      `select organization_id, provider, account, mode from ledger_outbox where due_at <= now()
       group by organization_id, provider, account, mode order by min(due_at) limit $1`,
      [mostPlaces],
    )
    return rows
  })
  const failures: unknown[] = []
  for (const { organization_id, ...rest } of places) {
    const place = { organization: fromUuid('org', organization_id), ...rest }
    await tellPages(tools, place).catch((error: unknown) => failures.push(error))
  }
  if (failures.length > 0)
    throw new Error(`changes of ${failures.length} places of the ledger were not told`, {
      cause: failures[0],
    })
}

/** One place doesn't keep the others waiting for more than some pages. */
async function tellPages(tools: TellTools, place: Place): Promise<void> {
  for (let page = 0; page < mostPages; page++) if (!(await tellPage(tools, place))) return
}

/** Answers whether there may be more. */
async function tellPage(tools: TellTools, place: Place): Promise<boolean> {
  const page = await inScope(tools.pool, place.organization, db => readPage(db, place), planned).catch(
    (error: unknown) => {
      // Computed anew, which takes a minute: its changes are told after that, and those of others now.
      if (isLockedOut(error)) return undefined
      throw error
    },
  )
  if (!page) return false
  const { changes, listener, settled } = page
  const wanted = changes.filter(({ type }) => type !== undefined && listener?.types.includes(type))
  const logged = await readLogged(tools, place, wanted)
  for (const change of wanted) {
    if (!listener || logged.has(`${toUuid(place.organization)} ${toUuid(idOf(place, change))}`)) continue
    await publishChange(tools, place, change, listener)
  }
  if (changes.length > 0)
    await inScope(tools.pool, place.organization, db => markTold(db, place, changes), planned)
  return changes.length >= mostObjects || settled >= mostSettled
}

/** Under the place's lock: what is read together is of one state. */
async function readPage(db: Db, place: Place) {
  const listener = await readListener(db, place)
  const heard = toldKinds.filter(kind => listener?.types.some(type => type.startsWith(`${kind}.`)))
  await lockPlaceWithin(db, place, mostLockMs)
  const settled = await settleUnheard(
    db,
    place,
    toldKinds.filter(kind => !heard.includes(kind)),
  )
  return { listener, settled, changes: await readChanges(db, place, heard, listener?.types ?? []) }
}

async function readListener(db: Db, { organization }: Place): Promise<Listener | undefined> {
  const { rows } = await db.query<Listener>(
    `select o.slug, s.destination_id, s.types from notification_settings s
     join organizations o on o.id = s.organization_id and o.deleted_at is null
     join destinations x on x.organization_id = s.organization_id and x.id = s.destination_id and x.deleted_at is null
     where s.organization_id = $1`,
    [toUuid(organization)],
  )
  return rows[0]
}

async function readChanges(
  db: Db,
  place: Place,
  kinds: readonly ToldKind[],
  types: readonly string[],
): Promise<Change[]> {
  if (kinds.length === 0) return []
  const { rows } = await db.query<Due>(
    `select kind, object_id, change, told, told_status, encode(told_digest, 'hex') as told_digest,
       encode(told_history, 'hex') as told_history
     from ledger_outbox where ${inPlace()} and due_at <= now() and kind = any($6::text[])
     order by due_at, kind, object_id limit $5`,
    [...placeValues(place), mostObjects, kinds],
  )
  const changes: Change[] = []
  for (const kind of kinds) {
    const due = rows.filter(row => row.kind === kind)
    const found = await readTellable(
      db,
      place,
      kind,
      due.map(({ object_id }) => object_id),
      types.includes(`${kind}.history_changed`),
    )
    for (const one of due) {
      const tellable = found.get(one.object_id)
      const told = { status: one.told_status, digest: one.told_digest, history: one.told_history }
      changes.push({ due: one, tellable, type: tellable && noticeOf(tellable, told) })
    }
  }
  return changes
}

const idOf = (place: Place, { due, tellable }: Change) => {
  const state = tellable ? digestsOf(tellable) : { digest: '', history: '' }
  const { provider, account, mode } = place
  const named = [provider, account, mode, due.kind, due.object_id, due.told + 1, state.digest, state.history]
  return eventId(place.organization, ledgerSource, { id: JSON.stringify(named) })
}

async function readLogged(tools: TellTools, place: Place, changes: readonly Change[]): Promise<Set<string>> {
  if (changes.length === 0) return new Set()
  return await inScope(tools.pool, 'platform', async db => {
    await requireCurrentLog(db, tools)
    return await loggedEvents(
      db,
      changes.map(change => [toUuid(place.organization), toUuid(idOf(place, change))] as const),
    )
  })
}

async function publishChange(
  tools: TellTools,
  place: Place,
  change: Change,
  listener: Listener,
): Promise<void> {
  const { tellable, due, type } = change
  if (!tellable || !type) return
  const nowMs = tools.now()
  await publishNotice(tools, {
    id: idOf(place, change),
    organization: place.organization,
    source: ledgerSource,
    mode: place.mode,
    destination: fromUuid('dst', listener.destination_id),
    type,
    at: new Date(nowMs),
    body: {
      type,
      timestamp: new Date(nowMs).toISOString(),
      organization: listener.slug,
      data: { object: tellable.kind, ...tellable.fields, previousStatus: due.told_status },
    },
  })
}

/** What has changed since it was read stays due, and what another store told meanwhile is not told to have been another state. */
async function markTold(db: Db, place: Place, changes: readonly Change[]): Promise<void> {
  await lockPlaces(db, [place])
  const states = changes.map(({ tellable }) => tellable && digestsOf(tellable))
  await db.query(
    `update ledger_outbox o set
       due_at = case when o.change = n.change then null else o.due_at end,
       told = o.told + n.tells,
       told_status = coalesce(n.status, o.told_status),
       told_digest = coalesce(decode(n.digest, 'hex'), o.told_digest),
       told_history = case when n.status is null then o.told_history else decode(n.history, 'hex') end
     from unnest($5::text[], $6::text[], $7::int[], $8::int[], $9::text[], $10::text[], $11::text[], $12::int[])
       as n (kind, object_id, change, tells, status, digest, history, told)
     where ${inPlace('o')} and o.kind = n.kind and o.object_id = n.object_id and o.told = n.told`,
    [
      ...placeValues(place),
      changes.map(({ due }) => due.kind),
      changes.map(({ due }) => due.object_id),
      changes.map(({ due }) => due.change),
      changes.map(({ type }) => (type ? 1 : 0)),
      changes.map(({ tellable }) => tellable?.status ?? null),
      states.map(state => state?.digest ?? null),
      states.map(state => state?.history ?? null),
      changes.map(({ due }) => due.told),
    ],
  )
}
