import type { Json } from './stripe-world.ts'

/** A body as Shopify signs it, under the topic of an unsigned header. */
export interface ShopifyEvent {
  readonly topic: string
  readonly body: Json
}

export interface ShopifyLife {
  readonly events: readonly ShopifyEvent[]
  readonly orders: readonly ShopifyOrder[]
  readonly appStatus: 'active' | 'unpaid' | 'canceled'
  readonly deletedCustomer: boolean
}

export interface ShopifyOrder {
  readonly id: string
  readonly currency: string
  readonly total: string
  readonly refunds: readonly string[]
  readonly paid: boolean
  readonly deleted: boolean
}

const startMs = Date.UTC(2026, 0, 1)
const totals: readonly (readonly [string, string, string])[] = [
  ['USD', '40.00', '10.00'],
  ['JPY', '4000', '1000'],
  ['BHD', '12.500', '3.125'],
  ['KRW', '52000', '13000'],
]

/** A shop's customer with orders, and the shop's own subscription to an app. */
export function shopifyLife(random: () => number, name: number, orders: number): ShopifyLife {
  const events: ShopifyEvent[] = []
  let clock = startMs
  const time = (): string => new Date(clock).toISOString().replace(/\.\d+Z$/, '+00:00')
  const tell = (topic: string, body: Json): void => {
    clock += 1000 * (1 + Math.floor(random() * 3600))
    events.push({ topic, body })
  }
  const customer = 9_000_000 + name
  const shown = { id: customer, email: 'buyer@example.com', first_name: 'B', last_name: 'Uyer', phone: null }
  tell('customers/create', { ...shown, created_at: time(), updated_at: time() })
  const made = Array.from({ length: orders }, (_, index) =>
    order(tell, time, random, { id: name * 1000 + index, customer }),
  )
  const deletedCustomer = random() < 0.2
  if (deletedCustomer)
    tell('customers/delete', { id: customer, admin_graphql_api_id: `gid://shopify/Customer/${customer}` })
  return { events, orders: made, appStatus: app(tell, time, random, name), deletedCustomer }
}

type Tell = (topic: string, body: Json) => void

function order(
  tell: Tell,
  time: () => string,
  random: () => number,
  { id, customer }: { id: number; customer: number },
): ShopifyOrder {
  const [currency, total, part] = totals[Math.floor(random() * totals.length)]!
  const createdAt = time()
  const refunds: Json[] = []
  const show = (status: string): Json => ({
    id,
    created_at: createdAt,
    updated_at: time(),
    processed_at: createdAt,
    cancelled_at: null,
    currency: 'EUR',
    customer: { id: customer },
    financial_status: status,
    name: `#${id}`,
    refunds: [...refunds],
    test: false,
    total_price: '37.00',
    total_price_set: {
      shop_money: { amount: '37.00', currency_code: 'EUR' },
      presentment_money: { amount: total, currency_code: currency },
    },
  })
  tell('orders/create', show('pending'))
  const paid = random() < 0.8
  if (paid) tell('orders/paid', show('paid'))
  const count = paid ? Math.floor(random() * 3) : 0
  for (let index = 0; index < count; index += 1) {
    const refund = {
      id: id * 10 + index,
      order_id: id,
      created_at: time(),
      processed_at: time(),
      note: null,
      transactions: [
        { id: id * 100 + index, kind: 'refund', status: 'success', amount: part, currency },
        { id: id * 100 + 50 + index, kind: 'void', status: 'success', amount: part, currency },
      ],
    }
    refunds.push(refund)
    tell('refunds/create', refund)
    tell('orders/updated', show('partially_refunded'))
  }
  const deleted = random() < 0.1
  if (deleted) tell('orders/delete', { id })
  return { id: String(id), currency, total, refunds: refunds.map(() => part), paid, deleted }
}

/** The app's subscription: pending, active, perhaps frozen, perhaps cancelled. */
function app(tell: Tell, time: () => string, random: () => number, name: number): ShopifyLife['appStatus'] {
  const createdAt = time()
  const show = (status: string): Json => ({
    app_subscription: {
      admin_graphql_api_id: `gid://shopify/AppSubscription/${name}`,
      admin_graphql_api_shop_id: `gid://shopify/Shop/${name}`,
      created_at: createdAt,
      currency: 'USD',
      interval: 'every_30_days',
      name: 'Pro',
      plan_handle: 'pro',
      price: '29.00',
      status,
      updated_at: time(),
    },
  })
  tell('app_subscriptions/update', show('PENDING'))
  tell('app_subscriptions/update', show('ACTIVE'))
  if (random() < 0.4) {
    tell('app_subscriptions/update', show('FROZEN'))
    if (random() < 0.5) return 'unpaid'
    tell('app_subscriptions/update', show('ACTIVE'))
  }
  if (random() < 0.4) {
    tell('app_subscriptions/update', show('CANCELLED'))
    return 'canceled'
  }
  return 'active'
}
