import { createHash } from 'node:crypto'
import { type Draft, factsFrom } from '../draft.ts'
import type { BillingEvent, Normalized } from '../facts.ts'
import { flagAt, type Json, objectAt, ShapeError, timeAt } from '../read.ts'
import { readAppSubscription } from './app-subscription.ts'
import { readCustomer, readDeletedCustomer, readRedaction, readUninstalledShop } from './customer.ts'
import { readDeletedOrder, readDispute, readOrder, readRefund } from './order.ts'

/**
 * Shopify signs the body and nothing else: topic, event id, time and shop stand in headers that anyone can change. So a fact's id is a
 * digest of the body, its time is the body's, its type is the shape's name, and the topic only says which shape the body must have.
 */
interface Shape {
  readonly topics: RegExp
  readonly type: string
  readonly read: (body: Json) => Draft
  /** Where the shape has its time. */
  readonly timeAt: (body: Json) => number | null
}

const shapes: readonly Shape[] = [
  {
    topics: /^orders\/(?:create|updated|paid|cancelled|edited|fulfilled|partially_fulfilled)$/,
    type: 'order',
    read: readOrder,
    timeAt: body => timeAt(body, 'updated_at'),
  },
  { topics: /^orders\/delete$/, type: 'order.deleted', read: readDeletedOrder, timeAt: () => 0 },
  {
    topics: /^refunds\/create$/,
    type: 'refund',
    read: readRefund,
    timeAt: body => timeAt(body, 'processed_at') ?? timeAt(body, 'created_at'),
  },
  {
    topics: /^disputes\/(?:create|update)$/,
    type: 'dispute',
    read: readDispute,
    timeAt: body => timeAt(body, 'initiated_at'),
  },
  {
    topics: /^customers\/(?:create|update|enable|disable)$/,
    type: 'customer',
    read: readCustomer,
    timeAt: body => timeAt(body, 'updated_at'),
  },
  { topics: /^customers\/delete$/, type: 'customer.deleted', read: readDeletedCustomer, timeAt: () => 0 },
  { topics: /^customers\/redact$/, type: 'customer.redacted', read: readRedaction, timeAt: () => 0 },
  {
    topics: /^app_subscriptions\/(?:update|approaching_capped_amount)$/,
    type: 'app_subscription',
    read: readAppSubscription,
    timeAt: body => timeAt(objectAt(body, 'app_subscription') ?? {}, 'updated_at'),
  },
  {
    topics: /^app\/uninstalled$/,
    type: 'shop.uninstalled',
    read: readUninstalledShop,
    timeAt: body => timeAt(body, 'updated_at'),
  },
]

/** Families that Shopify documents and the ledger has no use for. */
const notBilling =
  /^(?:app|app_purchases_one_time|app_subscriptions|attributed_sessions|bulk_operations|carts|checkouts|collections|collection_listings|collection_publications|companies|company_contacts|company_locations|customer_\w{1,40}|customers|customers_\w{1,40}|discounts|domains|draft_orders|fulfillment\w{0,40}|fulfillments|inventory_\w{1,40}|locales|locations|markets|order_transactions|orders|payment_\w{1,40}|price_lists|product_\w{1,40}|products|profiles|returns|reverse_\w{1,40}|scheduled_product_listings|segments|selling_plan_groups|shop|subscription_billing_attempts|subscription_billing_cycles|subscription_contracts|tax_\w{1,40}|tender_transactions|themes|variants)\//

/** @throws ShapeError, MoneyError for fields that aren't as documented */
export function normalizeShopify(event: BillingEvent, body: Json): Normalized {
  const topic = event.type
  if (topic === 'shop/redact') {
    return {
      kind: 'quarantined',
      reason: 'unknown_type',
      detail: 'a whole shop is to be forgotten: not by events',
    }
  }
  const shape = shapes.find(({ topics }) => topics.test(topic))
  if (!shape) {
    if (notBilling.test(topic)) return { kind: 'ignored', reason: 'not_billing' }
    return { kind: 'quarantined', reason: 'unknown_type', detail: topic.slice(0, 100) }
  }
  const draft = shape.read(body)
  const occurredAt = shape.timeAt(body)
  if (occurredAt === null) throw new ShapeError('the time of the change is missing')
  const test = flagAt(body, 'test') ?? flagAt(objectAt(body, 'app_subscription') ?? {}, 'test')
  const occasion = {
    provider: 'shopify',
    account: event.sourceAccount ?? '',
    mode: test === true ? 'test' : event.sourceMode,
    eventId: createHash('sha256').update(event.body).digest('hex'),
    occurredAt,
    type: shape.type,
    apiVersion: '',
  } as const
  const embedded = (draft.embedded ?? []).flatMap(inner => factsFrom(occasion, inner))
  return { kind: 'facts', facts: [...factsFrom(occasion, draft), ...embedded] }
}
