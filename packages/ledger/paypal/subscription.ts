import type { Subscription, SubscriptionStatus } from '../attributes.ts'
import type { Draft } from '../draft.ts'
import type { PersonalFields } from '../facts.ts'
import {
  idAt,
  integerAt,
  type Json,
  keptReference,
  listAt,
  objectAt,
  requiredId,
  ShapeError,
  textAt,
  timeAt,
} from '../read.ts'
import type { Link } from '../rows.ts'
import { regularPriceOf } from './catalog.ts'
import { moneyAt } from './money.ts'

/** A subscription of the second API, or an agreement of the first. The payer is the customer, and has no events of its own. */
export function readSubscription(resource: Json): Draft<'subscription'> {
  const objectId = requiredId(resource)
  const payer = payerOf(resource)
  const customer = payer && idAt(payer, 'payer_id')
  const plan = idAt(resource, 'plan_id')
  const billing = objectAt(resource, 'billing_info') ?? objectAt(resource, 'agreement_details') ?? {}
  const status = statusOf(resource, billing)
  const changedAt = timeAt(resource, 'status_update_time') ?? timeAt(resource, 'update_time')
  const ended = status === 'canceled' || status === 'expired'
  const inline = regularPriceOf(objectAt(resource, 'plan') ?? {})
  const startAt = timeAt(resource, 'start_time') ?? timeAt(resource, 'start_date')
  const period = periodOf(billing, startAt, ended)
  const { periodStartAt = null, periodEndAt = null } = period
  const quantity = quantityOf(resource)
  return {
    kind: 'subscription',
    objectId,
    incarnation: '',
    attributes: {
      customer,
      status,
      providerStatus: wordOf(resource),
      createdAt: timeAt(resource, 'create_time'),
      startAt,
      canceledAt: status === 'canceled' ? changedAt : null,
      endedAt: ended ? changedAt : null,
      ...period,
      collection: 'automatic',
      currency: inline?.currency ?? currencyOf(billing),
      reference: keptReference(idAt(resource, 'custom_id')),
      items: [{ id: objectId, plan, quantity, periodStartAt, periodEndAt, discounts: [], inline }],
    },
    complete: true,
    links: links(customer, plan),
    terms: [],
    embedded: payer && customer !== null ? [customerOf(customer, payer)] : [],
  }
}

function payerOf(resource: Json): Json | null {
  return objectAt(resource, 'subscriber') ?? objectAt(resource, 'payer', 'payer_info')
}

function wordOf(resource: Json): string | null {
  return (textAt(resource, 'status') ?? textAt(resource, 'state'))?.toUpperCase() ?? null
}

/**
 * From the last payment to the next. PayPal plans no next payment of what has ended: what it told before stands then, so nothing is said.
 * After a failed payment the period was not paid, and ends with the subscription.
 */
function periodOf(
  billing: Json,
  startAt: number | null,
  ended: boolean,
): Partial<Pick<Subscription, 'periodStartAt' | 'periodEndAt'>> {
  const lastPayment = objectAt(billing, 'last_payment')
  const periodStartAt = (lastPayment && timeAt(lastPayment, 'time')) ?? startAt
  const nextAt = timeAt(billing, 'next_billing_time') ?? timeAt(billing, 'next_billing_date')
  if (ended && hasFailed(billing)) return { periodStartAt, periodEndAt: null }
  return ended && nextAt === null ? {} : { periodStartAt, periodEndAt: nextAt }
}

function hasFailed(billing: Json): boolean {
  return (integerAt(billing, 'failed_payments_count') ?? 0) > 0
}

function statusOf(resource: Json, billing: Json): SubscriptionStatus {
  const failed = hasFailed(billing)
  const owed = BigInt(moneyAt(billing, 'outstanding_balance')?.amount ?? '0') > 0n
  switch (wordOf(resource)) {
    case 'APPROVAL_PENDING':
    case 'APPROVED':
    case 'PENDING':
      return 'incomplete'
    case 'ACTIVE':
      if (isInTrial(billing)) return 'trialing'
      return failed ? 'past_due' : 'active'
    case 'SUSPENDED':
      return failed && owed ? 'unpaid' : 'paused'
    case 'CANCELLED':
      return 'canceled'
    case 'EXPIRED':
      return 'expired'
    default:
      return 'unknown'
  }
}

/** A trial cycle has still to run. */
function isInTrial(billing: Json): boolean {
  return listAt(billing, 'cycle_executions').some(
    cycle => cycle.tenure_type === 'TRIAL' && (integerAt(cycle, 'cycles_remaining') ?? 0) > 0,
  )
}

function currencyOf(billing: Json): string | null {
  const last = objectAt(billing, 'last_payment')
  return ((last && moneyAt(last, 'amount')) ?? moneyAt(billing, 'outstanding_balance'))?.currency ?? null
}

/** A text of digits. */
function quantityOf(resource: Json): number | null {
  const text = textAt(resource, 'quantity')
  if (text === null) return 1
  if (!/^\d{1,9}$/.test(text)) throw new ShapeError('quantity is no whole number')
  return Number.parseInt(text, 10)
}

function links(customer: string | null, plan: string | null): Link[] {
  return [
    ...(customer === null ? [] : [{ kind: 'customer', id: customer } as const]),
    ...(plan === null ? [] : [{ kind: 'plan', id: plan } as const]),
  ]
}

function customerOf(objectId: string, payer: Json): Draft<'customer'> {
  return {
    kind: 'customer',
    objectId,
    incarnation: '',
    attributes: { deleted: false },
    complete: true,
    personal: personalOf(payer),
    links: [],
    terms: [],
  }
}

function personalOf(payer: Json): PersonalFields {
  const name = objectAt(payer, 'name') ?? payer
  const given = textAt(name, 'given_name') ?? textAt(name, 'first_name')
  const family = textAt(name, 'surname') ?? textAt(name, 'last_name')
  const address = objectAt(payer, 'shipping_address', 'address')
  return {
    email: textAt(payer, 'email_address') ?? textAt(payer, 'email'),
    name: [given, family].filter(part => part !== null && part !== '').join(' ') || null,
    phone: null,
    country: address && textAt(address, 'country_code'),
  }
}
