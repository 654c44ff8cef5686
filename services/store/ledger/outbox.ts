import { createHash } from 'node:crypto'
import { canonicalJson } from '@fairlead/ledger/canonical'
import type { BillingNoticeType } from '@fairlead/wire/notice'
import type { Db } from '../scope.ts'
import { type Place, placeValues } from './place.ts'
import type { Refolded } from './refold.ts'

/**
 * What is told of an object: its state two seconds after a change, so that the steps of one second are told as the one in which they
 * end. A change of the past alone is told as `….history_changed`; a rebuild is not told at all.
 */

export const toldKinds = ['customer', 'subscription', 'invoice', 'payment'] as const
export type ToldKind = (typeof toldKinds)[number]

const isTold = (kind: string): kind is ToldKind => toldKinds.some(told => told === kind)

/** Notes that objects and payments may be others: what there is to tell is looked at when it is due. */
export async function noteChanges(db: Db, place: Place, { objects, payments }: Refolded): Promise<void> {
  const changed = [
    ...objects.flatMap(({ kind, objectId: id }) => (isTold(kind) ? [{ kind, id }] : [])),
    ...[...new Set(payments)].map(id => ({ kind: 'payment', id })),
  ]
  if (changed.length === 0) return
  await db.query(
    `insert into ledger_outbox as o (organization_id, provider, account, mode, kind, object_id, due_at)
     select $1, $2, $3, $4, c.*, now() + interval '2 seconds' from unnest($5::text[], $6::text[]) as c
     on conflict on constraint ledger_outbox_pkey do update
       set due_at = coalesce(o.due_at, excluded.due_at), change = o.change + 1`,
    [...placeValues(place), changed.map(({ kind }) => kind), changed.map(({ id }) => id)],
  )
}

/** An object as it can be told. */
export interface Tellable {
  readonly kind: ToldKind
  /** Its state; of a customer `known` or `deleted`. */
  readonly status: string
  readonly fields: Readonly<Record<string, unknown>>
  /** Its changes. Undefined where nobody is told that they changed alone, and of payments, which have no history of their own. */
  readonly history: readonly unknown[] | undefined
}

/** What was told last. Of what changed while nobody listened the status alone is known. */
export interface Told {
  readonly status: string | null
  readonly digest: string | null
  readonly history: string | null
}

/** Fields that say how the ledger came to a row, and not what the row is. */
const untold: ReadonlySet<string> = new Set([
  'known',
  'stale',
  'complete',
  'gaps',
  'anomalies',
  'firstSeenAt',
  'updatedAt',
  'headEventId',
])

interface Digests {
  readonly digest: string
  readonly history: string | null
}

/** Of what is being told: a long history takes a while, and is asked for again to mark it as told. */
const computed = new WeakMap<Tellable, Digests>()

export function digestsOf(tellable: Tellable): Digests {
  const known = computed.get(tellable)
  if (known) return known
  const { fields, history } = tellable
  const told = Object.fromEntries(Object.entries(fields).filter(([field]) => !untold.has(field)))
  const digests = { digest: sha256(told), history: history ? sha256(history) : null }
  computed.set(tellable, digests)
  return digests
}

const sha256 = (value: unknown): string => createHash('sha256').update(canonicalJson(value)).digest('hex')

/** What there is to tell of an object; undefined: nothing that was not told. Pure. */
export function noticeOf(tellable: Tellable, told: Told): BillingNoticeType | undefined {
  const { kind, status } = tellable
  if (status !== told.status) return typeOf(kind, status, told.status)
  const { digest, history } = digestsOf(tellable)
  if (digest !== told.digest) return `${kind}.updated`
  // What was not known before can't be told to have changed.
  if (kind === 'payment' || history === null || told.history === null) return undefined
  return history !== told.history ? `${kind}.history_changed` : undefined
}

const words: Readonly<Record<Exclude<ToldKind, 'customer'>, Readonly<Record<string, BillingNoticeType>>>> = {
  subscription: {
    incomplete: 'subscription.created',
    trialing: 'subscription.trial_started',
    active: 'subscription.activated',
    past_due: 'subscription.past_due',
    unpaid: 'subscription.unpaid',
    paused: 'subscription.paused',
    canceled: 'subscription.canceled',
    expired: 'subscription.expired',
  },
  invoice: {
    draft: 'invoice.created',
    open: 'invoice.finalized',
    paid: 'invoice.paid',
    void: 'invoice.voided',
    uncollectible: 'invoice.uncollectible',
  },
  payment: {
    pending: 'payment.pending',
    requires_action: 'payment.action_required',
    failed: 'payment.failed',
    canceled: 'payment.canceled',
    succeeded: 'payment.succeeded',
    partially_refunded: 'payment.partially_refunded',
    refunded: 'payment.refunded',
    disputed: 'payment.disputed',
    lost: 'payment.dispute_lost',
    reversed: 'payment.reversed',
  },
}

function typeOf(kind: ToldKind, status: string, before: string | null): BillingNoticeType {
  if (kind !== 'customer') return words[kind][status] ?? `${kind}.updated`
  if (status === 'deleted') return 'customer.deleted'
  return before === null ? 'customer.created' : 'customer.updated'
}
