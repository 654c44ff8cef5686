import type { ObjectKind } from '../attributes.ts'
import { type Draft, factsFrom, noticeFrom, type Occasion } from '../draft.ts'
import type { BillingEvent, Normalized } from '../facts.ts'
import { MoneyError } from '../money.ts'
import {
  flagAt,
  idAt,
  isObject,
  type Json,
  objectAt,
  requiredId,
  ShapeError,
  secondsAt,
  textAt,
  timeAt,
} from '../read.ts'
import { readCoupon, readDiscount, readPlan, readProduct } from './catalog.ts'
import { readAccount, readCustomer } from './customer.ts'
import { readCreditNote, readInvoice, readInvoicePayment } from './invoice.ts'
import type { Reader } from './objects.ts'
import { readCharge, readCheckout, readDispute, readPaymentIntent, readRefund } from './payment.ts'
import { readSubscription } from './subscription.ts'

/** Arrays in before-images are partial in earlier versions. */
const oldestVersion = '2017-04-06'

/** A snapshot that Fairlead itself fetched and published: the id is its own, the object Stripe's. */
const fetchedType = 'fairlead.snapshot'

/** Stripe's word for an object → our kind and its reader. */
const readers: Readonly<Record<string, Reader<ObjectKind>>> = {
  product: readProduct,
  price: readPlan,
  plan: readPlan,
  coupon: readCoupon,
  discount: readDiscount,
  customer: readCustomer,
  subscription: readSubscription,
  invoice: readInvoice,
  invoice_payment: readInvoicePayment,
  payment_intent: readPaymentIntent,
  charge: readCharge,
  refund: readRefund,
  dispute: readDispute,
  credit_note: readCreditNote,
  'checkout.session': readCheckout,
  account: readAccount,
}

/** Types that the ledger reads, the longer prefix first, and the kind of their object. */
const families: readonly (readonly [RegExp, ObjectKind])[] = [
  [/^product\.(?:created|updated|deleted)$/, 'product'],
  [/^(?:price|plan)\.(?:created|updated|deleted)$/, 'plan'],
  [/^coupon\.(?:created|updated|deleted)$/, 'coupon'],
  [/^customer\.subscription\./, 'subscription'],
  [/^customer\.discount\./, 'discount'],
  [/^customer\.(?:created|updated|deleted)$/, 'customer'],
  [/^invoice\./, 'invoice'],
  [/^(?:invoice_payment|invoicepayment)\./, 'invoice_payment'],
  [/^payment_intent\./, 'payment_intent'],
  [/^charge\.dispute\./, 'dispute'],
  [/^(?:charge\.refund|refund)\./, 'refund'],
  [/^charge\./, 'charge'],
  [/^credit_note\.(?:created|updated|voided)$/, 'credit_note'],
  [/^checkout\.session\./, 'checkout'],
  [/^account\.(?:updated|application\.(?:authorized|deauthorized))$/, 'account'],
]

/** Families that Stripe documents and the ledger has no use for. */
const notBilling =
  /^(?:account|application_fee|balance|balance_settings|billing|billing_portal|capability|cash_balance|climate|customer|customer_cash_balance_transaction|entitlements|file|financial_connections|identity|invoiceitem|issuing\w{0,40}|mandate|payment_link|payment_method|payout|person|promotion_code|quote|radar|reporting|review|setup_intent|sigma|source|subscription_schedule|tax|tax_rate|terminal|test_helpers|topup|transfer|treasury)\./

/** @throws ShapeError, MoneyError for fields that aren't as documented */
export function normalizeStripe(event: BillingEvent, body: Json): Normalized {
  const type = textAt(body, 'type')
  if (type === null) throw new ShapeError('type is missing')
  if (body.object === 'v2.core.event') return thin(event, body, type)
  const family = familyOf(type, objectAt(body, 'data', 'object'))
  if (typeof family === 'object') return family
  const apiVersion = textAt(body, 'api_version') ?? ''
  if (apiVersion !== '' && apiVersion < oldestVersion) {
    return { kind: 'quarantined', reason: 'unsupported_version', detail: `versions before ${oldestVersion}` }
  }
  const occasion: Occasion = {
    ...placeOf(event, body),
    eventId: requiredId(body),
    occurredAt: required(secondsAt(body, 'created'), 'created'),
    type,
    apiVersion,
  }
  if (/^account\.application\./.test(type)) return connection(occasion)
  return snapshot(occasion, body, family)
}

/** The kind of a type's object; or what becomes of an event whose type the ledger doesn't read. */
function familyOf(type: string, object: Json | null): ObjectKind | Normalized {
  if (type === 'invoice.upcoming') return { kind: 'ignored', reason: 'preview' }
  if (type === fetchedType) {
    const reader = readers[String(object?.object)]
    if (!object || !reader) throw new ShapeError('data.object is no object that the ledger reads')
    return reader(object, false).kind
  }
  const family = families.find(([pattern]) => pattern.test(type))
  if (family) return family[1]
  if (notBilling.test(type)) return { kind: 'ignored', reason: 'not_billing' }
  return { kind: 'quarantined', reason: 'unknown_type', detail: type.slice(0, 100) }
}

/** A live endpoint of a platform gets test events too: the event's own mode and account count. */
function placeOf(event: BillingEvent, body: Json): Pick<Occasion, 'provider' | 'account' | 'mode'> {
  const live = flagAt(body, 'livemode')
  const account = idAt(body, 'account') ?? idAt(body, 'context') ?? event.sourceAccount ?? ''
  return { provider: 'stripe', account, mode: live === null ? event.sourceMode : live ? 'live' : 'test' }
}

function snapshot(occasion: Occasion, body: Json, kind: ObjectKind): Normalized {
  const object = objectAt(body, 'data', 'object')
  if (!object) throw new ShapeError('data.object is missing')
  const reader = readers[String(object.object)]
  const deleted = /\.deleted$/.test(occasion.type) || object.deleted === true
  const draft = reader?.(object, deleted)
  if (!reader || draft?.kind !== kind) throw new ShapeError(`data.object is no ${kind}`)
  const facts = factsFrom(occasion, draft, previousOf(reader, object, body))
  const embedded = (draft.embedded ?? []).flatMap(inner => factsFrom(occasion, inner))
  return { kind: 'facts', facts: [...facts, ...embedded] }
}

/** The object as it was before the event, by the same reader. Without before-images, or where one can't be read, there is none. */
function previousOf(reader: Reader<ObjectKind>, object: Json, body: Json): Draft | undefined {
  const changed = objectAt(body, 'data', 'previous_attributes')
  if (!changed) return undefined
  try {
    return reader(overlaid(object, changed), false)
  } catch (error) {
    if (error instanceof ShapeError || error instanceof MoneyError) return undefined
    throw error
  }
}

/** Objects hold only the keys that changed; arrays are whole. */
function overlaid(object: Json, changed: Json): Json {
  const entries = Object.entries(changed).map(([key, value]) => {
    const present = object[key]
    return [key, isObject(value) && isObject(present) ? overlaid(present, value) : value] as const
  })
  return { ...object, ...Object.fromEntries(entries) }
}

/** The event's object is the application; its account is the one that was connected. */
function connection(occasion: Occasion): Normalized {
  if (occasion.account === '') throw new ShapeError('account is missing')
  const status = occasion.type.endsWith('.authorized') ? 'authorized' : 'deauthorized'
  const draft: Draft<'account'> = {
    kind: 'account',
    objectId: occasion.account,
    incarnation: '',
    attributes: { status },
    complete: true,
    links: [],
    terms: [],
  }
  return { kind: 'facts', facts: factsFrom(occasion, draft) }
}

/** A thin event names its object alone. Where it names the snapshot event of the same change, both are one event. */
function thin(event: BillingEvent, body: Json, type: string): Normalized {
  const bare = type.replace(/^v1\./, '')
  const family = familyOf(bare, null)
  if (typeof family === 'object') return family
  const related = objectAt(body, 'related_object')
  if (!related) throw new ShapeError('related_object is missing')
  const occasion: Occasion = {
    ...placeOf(event, body),
    eventId: idAt(body, 'snapshot_event') ?? requiredId(body),
    occurredAt: required(timeAt(body, 'created'), 'created'),
    type: bare,
    apiVersion: '',
  }
  return { kind: 'facts', facts: [noticeFrom(occasion, { kind: family, id: requiredId(related) })] }
}

function required(value: number | null, name: string): number {
  if (value === null) throw new ShapeError(`${name} is missing`)
  return value
}
