import type { AccessRow, CustomerRows, Grant, PlanRow, SubscriptionRow } from '../rows.ts'

/**
 * What a customer may use, by subscription and item. The row holds until when, and not whether: `accessAt` decides that when it is read, so
 * that access ends in time though no event tells of it. Null for payments without a customer.
 */
export function projectAccess(rows: CustomerRows): AccessRow | null {
  const { customer, subscriptions, plans } = rows
  if (!customer) return null
  const giving = subscriptions.filter(gaveAccess).toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return {
    provider: customer.provider,
    account: customer.account,
    mode: customer.mode,
    customer: customer.id,
    grants: giving.flatMap(subscription => grantsOf(subscription, plans)),
    complete: giving.every(({ complete }) => complete),
  }
}

/** One that was never paid for gave none: `expired` at Stripe and Shopify. PayPal's word is for those that ran to their end. */
function gaveAccess({ status, provider }: SubscriptionRow): boolean {
  if (status === 'expired') return provider === 'paypal'
  return status !== 'incomplete' && status !== 'unknown'
}

function grantsOf(subscription: SubscriptionRow, plans: readonly PlanRow[]): Grant[] {
  return subscription.items.map(item => ({
    subscription: subscription.id,
    item: item.id,
    plan: item.plan,
    product: plans.findLast(plan => plan.id === item.plan)?.product ?? null,
    quantity: item.quantity,
    status: subscription.status,
    fromAt: subscription.startAt ?? subscription.createdAt,
    untilAt: endOf(subscription, item.periodEndAt),
    ends: isEnding(subscription),
  }))
}

/** The end of access is the subscription's end, or else its period's. When the cancellation was asked for is neither. */
function endOf(subscription: SubscriptionRow, periodEndAt: number | null): number | null {
  const paidUntil = periodEndAt ?? subscription.periodEndAt
  if (hasEnded(subscription)) return endOfEnded(subscription, paidUntil)
  if (subscription.cancelAtPeriodEnd) return paidUntil ?? subscription.cancelAt
  return subscription.cancelAt !== null && (paidUntil === null || subscription.cancelAt < paidUntil)
    ? subscription.cancelAt
    : paidUntil
}

/**
 * PayPal ends a cancelled subscription at once, though its period is paid: access goes on until then. Where the provider tells no
 * end, the last event's time is the end: what has ended never gives access for good.
 */
function endOfEnded(
  { provider, status, endedAt, canceledAt, updatedAt }: SubscriptionRow,
  paidUntil: number | null,
): number | null {
  if (provider !== 'paypal' || status !== 'canceled') return endedAt ?? paidUntil ?? canceledAt ?? updatedAt
  const canceled = endedAt ?? canceledAt ?? updatedAt
  return paidUntil === null || (canceled !== null && canceled > paidUntil) ? canceled : paidUntil
}

function hasEnded({ status }: SubscriptionRow): boolean {
  return status === 'canceled' || status === 'expired'
}

function isEnding(subscription: SubscriptionRow): boolean {
  return hasEnded(subscription) || subscription.cancelAtPeriodEnd || subscription.cancelAt !== null
}

export interface AccessPolicy {
  /**
   * How long access goes on after a period that will be renewed: the renewal's event may come late. Milliseconds; 0 and above.
   */
  readonly graceMs: number
  /** Whether a subscription whose payment is retried still gives access. */
  readonly pastDue: boolean
}

export const defaultAccessPolicy: AccessPolicy = { graceMs: 86_400_000, pastDue: true }

/** The grants that hold at a time. */
export function accessAt(
  grants: readonly Grant[],
  now: number,
  policy: AccessPolicy = defaultAccessPolicy,
): Grant[] {
  return grants.filter(({ status, fromAt, untilAt, ends }) => {
    if (!givesAccess(status, policy)) return false
    if (fromAt !== null && now < fromAt) return false
    return untilAt === null || now < untilAt + (ends ? 0 : policy.graceMs)
  })
}

function givesAccess(status: Grant['status'], { pastDue }: AccessPolicy): boolean {
  switch (status) {
    case 'active':
    case 'trialing':
    case 'canceled':
    case 'expired':
      return true
    case 'past_due':
      return pastDue
    case 'incomplete':
    case 'unpaid':
    case 'paused':
    case 'unknown':
      return false
    default:
      return status satisfies never
  }
}
