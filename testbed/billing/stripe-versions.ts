import type { Happening, Json } from './stripe-world.ts'

/** Before and after Stripe's reshuffle of 2025-03-31. The world's objects have the later form. */
export type StripeVersion = '2022-11-15' | '2026-08-26.dahlia'

/** Where an event belongs, and how long its lists may be: Stripe embeds 10 of a list. */
export interface Rendering {
  readonly version: StripeVersion
  readonly live: boolean
  /** A connected account; absent for the platform's own. */
  readonly account?: string
}

const embedded = 10

/** The event as Stripe sends it, or null where a version has no such event. */
export function renderStripe(happening: Happening, { version, live, account }: Rendering): Json | null {
  if (version === '2022-11-15' && happening.object.object === 'invoice_payment') return null
  const object = formOf(happening.object, version, live)
  const previous = happening.previous && changed(formOf(happening.previous, version, live), object)
  return {
    id: happening.id,
    object: 'event',
    api_version: version,
    created: happening.at,
    data: { object, ...(previous && { previous_attributes: previous }) },
    livemode: live,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type: happening.type,
    ...(account && { account }),
  }
}

function formOf(object: Json, version: StripeVersion, live: boolean): Json {
  const cut = withShortLists(withMode(object, live) as Json)
  return version === '2022-11-15' ? earlier(cut) : later(cut)
}

/** Objects that stand within others and don't tell their mode. */
const withoutMode = ['subscription_item', 'discount', 'refund', 'list']

/** Every object of Stripe's says whether it is live, within others too. */
function withMode(value: unknown, live: boolean): unknown {
  if (Array.isArray(value)) return value.map(part => withMode(part, live))
  if (!isPlain(value)) return value
  const parts = Object.entries(value).map(([key, part]) => [key, withMode(part, live)] as const)
  const told = typeof value.object === 'string' && !withoutMode.includes(value.object)
  return Object.fromEntries(told ? [...parts, ['livemode', live]] : parts)
}

function withShortLists(object: Json): Json {
  const short = (list: unknown): unknown => {
    const { data } = list as { data: unknown[] }
    return { object: 'list', data: data.slice(0, embedded), has_more: data.length > embedded, url: '/v1' }
  }
  return {
    ...object,
    ...('items' in object && { items: short(object.items) }),
    ...('lines' in object && { lines: short(object.lines) }),
  }
}

/** Without what the world keeps for earlier versions. */
function later(object: Json): Json {
  const { earlier: _, ...rest } = object
  if (rest.object !== 'invoice') return rest
  const lines = rest.lines as { data: Json[] }
  return { ...rest, lines: { ...lines, data: lines.data.map(({ earlier: __, ...line }) => line) } }
}

/** The same object in the form of 2022-11-15. */
function earlier(object: Json): Json {
  const { earlier: own, ...rest } = object
  const form = { ...rest, ...(own as Json | undefined) }
  switch (object.object) {
    case 'subscription':
      return earlierSubscription(form)
    case 'invoice':
      return earlierInvoice(form)
    case 'discount': {
      const { source: _, ...discount } = form
      return discount
    }
    case 'credit_note': {
      const { pretax_credit_amounts: _, refunds: __, ...note } = form
      return { ...note, tax_amounts: [] }
    }
    default:
      return form
  }
}

function earlierSubscription(form: Json): Json {
  const list = form.items as { data: Json[] }
  const [first] = list.data
  const items = list.data.map(({ current_period_start: _, current_period_end: __, ...item }) => item)
  const discounts = form.discounts as string[]
  return {
    ...form,
    current_period_start: first?.current_period_start,
    current_period_end: first?.current_period_end,
    items: { ...list, data: items },
    discounts,
  }
}

function earlierInvoice(form: Json): Json {
  const { parent, total_taxes: taxes, amount_overpaid: _, amount_paid_off_stripe: __, ...rest } = form
  const details = (parent as { subscription_details: { subscription: string } } | null)?.subscription_details
  const list = form.lines as { data: Json[] }
  const sum = (taxes as { amount: number }[]).reduce((total, { amount }) => total + amount, 0)
  return {
    ...rest,
    subscription: details?.subscription ?? null,
    tax: (taxes as unknown[]).length === 0 ? null : sum,
    paid: rest.status === 'paid',
    paid_out_of_band: false,
    total_tax_amounts: (taxes as Json[]).map(earlierTax),
    lines: { ...list, data: list.data.map(earlierLine) },
  }
}

function earlierTax({ amount, taxability_reason, taxable_amount, tax_rate_details: of }: Json): Json {
  const { tax_rate } = of as { tax_rate: string }
  return { amount, inclusive: false, tax_rate, taxability_reason, taxable_amount }
}

function earlierLine(line: Json): Json {
  const { parent, pricing: _, taxes, earlier, ...rest } = line
  const details = (parent as { subscription_item_details: Json }).subscription_item_details
  return {
    ...rest,
    ...(earlier as Json),
    subscription: details.subscription,
    subscription_item: details.subscription_item,
    proration: details.proration,
    tax_amounts: (taxes as Json[]).map(earlierTax),
    type: 'subscription',
  }
}

/** Stripe's before-image: of objects the keys that changed, arrays whole, null for keys that were not there. */
function changed(before: Json, after: Json): Json {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  const entries = [...keys].flatMap(key => {
    const [old, now] = [before[key], after[key]]
    if (JSON.stringify(old) === JSON.stringify(now)) return []
    if (isPlain(old) && isPlain(now)) return [[key, changed(old, now)] as const]
    return [[key, old ?? null] as const]
  })
  return Object.fromEntries(entries)
}

function isPlain(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
