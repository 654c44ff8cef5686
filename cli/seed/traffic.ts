/** What providers send, how often, and when: made up, but the way it looks in a company's log. */

/** How much a provider sends, compared with others. */
export const providerWeight: Readonly<Record<string, number>> = {
  stripe: 40,
  github: 25,
  shopify: 20,
  slack: 10,
  paypal: 6,
  'standard-webhooks': 8,
  custom: 4,
}
export const otherProviderWeight = 5

/** Event types of a provider with their weights, and about how many bytes their bodies have. */
interface Kinds {
  readonly types: readonly (readonly [type: string, weight: number])[]
  readonly bytes: number
}

const kinds: Readonly<Record<string, Kinds>> = {
  stripe: {
    bytes: 2600,
    types: [
      ['payment_intent.succeeded', 28],
      ['charge.succeeded', 28],
      ['invoice.paid', 14],
      ['checkout.session.completed', 9],
      ['customer.created', 6],
      ['customer.subscription.updated', 6],
      ['invoice.payment_failed', 3],
      ['charge.refunded', 2],
      ['charge.dispute.created', 0.4],
      ['payout.paid', 0.6],
    ],
  },
  github: {
    bytes: 7800,
    types: [
      ['push', 30],
      ['check_run', 26],
      ['pull_request', 16],
      ['workflow_run', 12],
      ['issue_comment', 9],
      ['issues', 4],
      ['release', 1],
    ],
  },
  shopify: {
    bytes: 5200,
    types: [
      ['orders/create', 30],
      ['orders/paid', 27],
      ['orders/fulfilled', 18],
      ['products/update', 12],
      ['customers/create', 8],
      ['refunds/create', 2],
    ],
  },
  slack: {
    bytes: 900,
    types: [
      ['message', 60],
      ['app_mention', 20],
      ['reaction_added', 15],
      ['member_joined_channel', 5],
    ],
  },
  paypal: {
    bytes: 1900,
    types: [
      ['PAYMENT.CAPTURE.COMPLETED', 60],
      ['CHECKOUT.ORDER.APPROVED', 30],
      ['PAYMENT.CAPTURE.REFUNDED', 5],
      ['CUSTOMER.DISPUTE.CREATED', 1],
    ],
  },
}

const otherKinds: Kinds = {
  bytes: 700,
  types: [
    ['order.created', 40],
    ['order.updated', 35],
    ['user.created', 20],
    ['order.cancelled', 5],
  ],
}

export function kindsOf(provider: string): Kinds {
  return kinds[provider] ?? otherKinds
}

/** A working day from hour to hour (UTC), 24 weights. */
const workingDay = [2, 1, 1, 1, 2, 3, 6, 12, 22, 30, 33, 31, 26, 30, 34, 33, 28, 22, 17, 14, 12, 9, 6, 4]
/** Sunday first: shops sell on weekends, builds rest. */
const weekdays = [0.35, 1, 1.05, 1.1, 1.05, 0.9, 0.4]

/** How much is sent in the hour that begins at this time, compared with others. */
export function hourWeight(hourStartMs: number): number {
  const at = new Date(hourStartMs)
  return workingDay[at.getUTCHours()]! * weekdays[at.getUTCDay()]!
}
