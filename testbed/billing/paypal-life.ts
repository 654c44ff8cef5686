import type { Json } from './stripe-world.ts'

/** What PayPal told of a customer, and what is true in the end. */
export interface PaypalLife {
  /** Events as PayPal sends them, in the order in which they happened. */
  readonly events: readonly Json[]
  readonly subscription: string
  readonly status: 'active' | 'past_due' | 'paused' | 'unpaid' | 'canceled'
  /** By sale: minor units that were taken and paid back, as decimal texts of the currency say them. */
  readonly sales: readonly PaypalSale[]
  readonly currency: string
  /** Of one month; a decimal text. */
  readonly price: string
}

export interface PaypalSale {
  readonly id: string
  readonly amount: string
  readonly refunds: readonly string[]
  readonly dispute: 'none' | 'won' | 'lost'
}

const startMs = Date.UTC(2026, 0, 1)
const dayMs = 86_400_000
const prices: readonly (readonly [string, string, string])[] = [
  ['USD', '19.00', '4.75'],
  ['JPY', '1900', '475'],
  ['HUF', '5990', '1490'],
  ['EUR', '49.90', '12.40'],
]

/** A subscription at PayPal: created, approved, paid each month, and what happens on the way. */
export function paypalLife(random: () => number, name: string, months: number): PaypalLife {
  const [currency, price, part] = prices[Math.floor(random() * prices.length)]!
  const teller = openTeller(name, random)
  const plan = `P-${name}`
  const subscription = `I-${name}`
  teller.tell('CATALOG.PRODUCT.CREATED', { id: `PROD-${name}`, name: 'Gold', create_time: teller.time() })
  teller.tell('BILLING.PLAN.CREATED', planOf(plan, `PROD-${name}`, currency, price, teller.time()))
  const state = { status: 'APPROVAL_PENDING', failed: 0, owed: '0', at: teller.time() }
  const show = (): Json => subscriptionOf(subscription, plan, currency, { ...state })
  const isSuspended = (): boolean => state.status === 'SUSPENDED'
  const change = (type: string, patch: Partial<typeof state>): void => {
    Object.assign(state, patch, { at: teller.time() })
    teller.tell(`BILLING.SUBSCRIPTION.${type}`, show())
  }
  change('CREATED', {})
  teller.wait(60_000)
  change('ACTIVATED', { status: 'ACTIVE' })
  const sales: PaypalSale[] = []
  for (let month = 0; month < months && state.status === 'ACTIVE'; month += 1) {
    if (random() < 0.25) {
      change('PAYMENT.FAILED', { failed: state.failed + 1, owed: price })
      teller.wait(dayMs)
      if (state.failed > 1) change('SUSPENDED', { status: 'SUSPENDED' })
    } else {
      if (state.failed > 0) change('UPDATED', { failed: 0, owed: '0' })
      sales.push(sell(teller, `${name}${month}`, subscription, { currency, price, part }, random))
      if (random() < 0.1) change('SUSPENDED', { status: 'SUSPENDED' })
    }
    teller.wait(25 * dayMs)
    if (isSuspended() && random() < 0.5) {
      change('RE-ACTIVATED', { status: 'ACTIVE', failed: 0, owed: '0' })
    }
  }
  if (random() < 0.4) change('CANCELLED', { status: 'CANCELLED' })
  return { events: teller.events, subscription, status: wordOf(state), sales, currency, price }
}

function wordOf({ status, failed }: { status: string; failed: number }): PaypalLife['status'] {
  if (status === 'CANCELLED') return 'canceled'
  if (status === 'SUSPENDED') return failed > 0 ? 'unpaid' : 'paused'
  return failed > 0 ? 'past_due' : 'active'
}

interface Teller {
  readonly events: Json[]
  time(): string
  wait(ms: number): void
  tell(type: string, resource: Json): void
}

function openTeller(name: string, random: () => number): Teller {
  const events: Json[] = []
  let clock = startMs
  return {
    events,
    // The objects' clock counts seconds.
    time: () => new Date(clock).toISOString().replace(/\.\d+Z$/, 'Z'),
    wait: ms => {
      clock += ms
    },
    tell: (type, resource) => {
      clock += 1000
      events.push({
        id: `WH-${Math.floor(random() * 2 ** 32).toString(36)}-${name}-${events.length}`,
        event_version: '1.0',
        resource_version: '2.0',
        create_time: new Date(clock + 3000).toISOString(),
        event_type: type,
        resource,
        links: [{ href: 'https://api.paypal.com/v1/notifications/webhooks-events/WH-1', rel: 'self' }],
      })
    },
  }
}

function planOf(id: string, product: string, currency: string, price: string, time: string): Json {
  return {
    id,
    product_id: product,
    name: 'Gold monthly',
    status: 'ACTIVE',
    billing_cycles: [
      {
        tenure_type: 'REGULAR',
        sequence: 1,
        total_cycles: 0,
        frequency: { interval_unit: 'MONTH', interval_count: 1 },
        pricing_scheme: { fixed_price: { value: price, currency_code: currency } },
      },
    ],
    taxes: { percentage: '0', inclusive: false },
    create_time: time,
    update_time: time,
  }
}

function subscriptionOf(
  id: string,
  plan: string,
  currency: string,
  state: { status: string; failed: number; owed: string; at: string },
): Json {
  return {
    id,
    plan_id: plan,
    quantity: '1',
    status: state.status,
    status_update_time: state.at,
    start_time: '2026-01-01T00:00:00Z',
    create_time: '2026-01-01T00:00:00Z',
    update_time: state.at,
    custom_id: 'user-1',
    subscriber: {
      payer_id: `PAYER${id}`,
      email_address: 'payer@example.com',
      name: { given_name: 'A', surname: 'Payer' },
    },
    billing_info: {
      failed_payments_count: state.failed,
      outstanding_balance: { currency_code: currency, value: state.owed },
    },
  }
}

/** A sale; some of them paid back in part, once or twice, or disputed. Refunds are negative, as PayPal may write them. */
function sell(
  teller: Teller,
  name: string,
  subscription: string,
  { currency, price, part }: { currency: string; price: string; part: string },
  random: () => number,
): PaypalSale {
  const id = `SALE${name}`
  const made = teller.time()
  const sale = (state: string): Json => ({
    id,
    state,
    amount: { total: price, currency },
    billing_agreement_id: subscription,
    create_time: made,
    update_time: teller.time(),
  })
  if (random() < 0.3) teller.tell('PAYMENT.SALE.PENDING', sale('pending'))
  teller.tell('PAYMENT.SALE.COMPLETED', sale('completed'))
  const refunds = Array.from({ length: random() < 0.3 ? 1 + Math.floor(random() * 2) : 0 }, () => part)
  for (const [index, amount] of refunds.entries()) {
    teller.tell('PAYMENT.SALE.REFUNDED', {
      id: `RE${name}${index}`,
      sale_id: id,
      state: 'completed',
      amount: { total: `-${amount}`, currency },
      create_time: teller.time(),
      update_time: teller.time(),
    })
  }
  const dispute = refunds.length === 0 && random() < 0.2 ? (random() < 0.5 ? 'won' : 'lost') : 'none'
  if (dispute !== 'none') argue(teller, name, id, { currency, price }, dispute)
  return { id, amount: price, refunds, dispute }
}

function argue(
  teller: Teller,
  name: string,
  sale: string,
  { currency, price }: { currency: string; price: string },
  end: 'won' | 'lost',
): void {
  const made = teller.time()
  const dispute = (status: string, outcome?: string): Json => ({
    dispute_id: `PP-D-${name}`,
    create_time: made,
    update_time: teller.time(),
    disputed_transactions: [{ seller_transaction_id: sale }],
    reason: 'MERCHANDISE_OR_SERVICE_NOT_RECEIVED',
    status,
    dispute_amount: { currency_code: currency, value: price },
    ...(outcome && { dispute_outcome: { outcome_code: outcome } }),
  })
  teller.tell('CUSTOMER.DISPUTE.CREATED', dispute('OPEN'))
  teller.wait(dayMs)
  teller.tell('CUSTOMER.DISPUTE.UPDATED', dispute('UNDER_REVIEW'))
  teller.wait(dayMs)
  const outcome = end === 'won' ? 'RESOLVED_SELLER_FAVOUR' : 'RESOLVED_BUYER_FAVOUR'
  teller.tell('CUSTOMER.DISPUTE.RESOLVED', dispute('RESOLVED', outcome))
}
