import type { InlinePrice, SubscriptionStatus } from '../attributes.ts'
import type { Draft } from '../draft.ts'
import { currencyCode, fromDecimal } from '../money.ts'
import { idAt, type Json, objectAt, requiredId, ShapeError, textAt, timeAt } from '../read.ts'

const statuses: Readonly<Record<string, SubscriptionStatus>> = {
  PENDING: 'incomplete',
  ACTIVE: 'active',
  FROZEN: 'unpaid',
  CANCELLED: 'canceled',
  DECLINED: 'expired',
  EXPIRED: 'expired',
}

/** What a shop pays for an app: the shop is the customer. Older versions tell no price, so figures of it are incomplete. */
export function readAppSubscription(body: Json): Draft<'subscription'> {
  const object = objectAt(body, 'app_subscription')
  if (!object) throw new ShapeError('app_subscription is missing')
  const objectId = requiredId(object, 'admin_graphql_api_id')
  const customer = idAt(object, 'admin_graphql_api_shop_id')
  const providerStatus = textAt(object, 'status')
  const status = statuses[providerStatus ?? ''] ?? 'unknown'
  const ended = status === 'canceled' || status === 'expired'
  const inline = priceOf(object)
  const changedAt = timeAt(object, 'updated_at')
  const plan = idAt(object, 'plan_handle')
  return {
    kind: 'subscription',
    objectId,
    incarnation: '',
    attributes: {
      customer,
      status,
      providerStatus,
      createdAt: timeAt(object, 'created_at'),
      canceledAt: status === 'canceled' ? changedAt : null,
      endedAt: ended ? changedAt : null,
      collection: 'automatic',
      currency: inline?.currency ?? null,
      items: [
        { id: objectId, plan, quantity: 1, periodStartAt: null, periodEndAt: null, discounts: [], inline },
      ],
    },
    complete: inline !== null,
    links: [
      ...(customer === null ? [] : [{ kind: 'customer', id: customer } as const]),
      ...(plan === null ? [] : [{ kind: 'plan', id: plan } as const]),
    ],
    terms: [],
  }
}

/** `every_30_days` counts as a month. */
function priceOf(object: Json): InlinePrice | null {
  const interval = textAt(object, 'interval')?.toLowerCase()
  if (object.price === undefined || object.price === null || interval === undefined) return null
  const currency = currencyCode(object.currency)
  return {
    unitAmount: fromDecimal(currency, object.price),
    currency,
    interval: interval === 'annual' ? 'year' : 'month',
    intervalCount: 1,
  }
}
