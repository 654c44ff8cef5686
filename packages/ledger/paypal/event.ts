import { type Draft, factsFrom } from '../draft.ts'
import type { BillingEvent, Mode, Normalized } from '../facts.ts'
import { type Json, listAt, objectAt, requiredId, ShapeError, textAt, timeAt } from '../read.ts'
import { readPlan, readProduct } from './catalog.ts'
import { chargeOf, readCharge, readDispute, readRefund } from './payment.ts'
import { readSubscription } from './subscription.ts'

/** Families that PayPal documents and the ledger has no use for. */
const notBilling =
  /^(?:CHECKOUT|CUSTOMER|IDENTITY|INVOICING|MERCHANT|PAYMENTS|PAYMENT|PRICING-CHANGE|RISK|VAULT|BILLING_AGREEMENTS)[.-]/

/** @throws ShapeError, MoneyError for fields that aren't as documented */
export function normalizePaypal(event: BillingEvent, body: Json): Normalized {
  const type = textAt(body, 'event_type')
  if (type === null) throw new ShapeError('event_type is missing')
  const resource = objectAt(body, 'resource')
  if (!resource) throw new ShapeError('resource is missing')
  const draft = draftOf(type, resource)
  if (!draft) {
    if (notBilling.test(type)) return { kind: 'ignored', reason: 'not_billing' }
    return { kind: 'quarantined', reason: 'unknown_type', detail: type.slice(0, 100) }
  }
  const told = [...listAt(body, 'links'), ...listAt(resource, 'links')].flatMap(
    link => modeOfLink(link) ?? [],
  )
  if (told.some(mode => mode !== event.sourceMode)) {
    return { kind: 'quarantined', reason: 'mode_mismatch', detail: `the source is ${event.sourceMode}` }
  }
  const occasion = {
    provider: 'paypal',
    account: event.sourceAccount ?? '',
    mode: event.sourceMode,
    eventId: requiredId(body),
    occurredAt: timeOf(type, resource, body),
    type,
    apiVersion: textAt(body, 'resource_version') ?? textAt(body, 'event_version') ?? '',
  } as const
  const embedded = (draft.embedded ?? []).flatMap(inner => factsFrom(occasion, inner))
  return { kind: 'facts', facts: [...factsFrom(occasion, draft), ...embedded] }
}

function draftOf(type: string, resource: Json): Draft | undefined {
  if (/^CATALOG\.PRODUCT\.(?:CREATED|UPDATED)$/.test(type)) return readProduct(resource)
  if (/^BILLING\.PLAN\./.test(type)) return readPlan(resource)
  if (/^BILLING\.SUBSCRIPTION\./.test(type)) return readSubscription(resource)
  if (/^PAYMENT\.(?:SALE|CAPTURE)\.(?:REFUNDED|REVERSED)$/.test(type) && chargeOf(resource) !== null) {
    return readRefund(resource, type)
  }
  if (/^PAYMENT\.(?:SALE|CAPTURE)\.(?:COMPLETED|PENDING|DENIED|DECLINED|REVERSED)$/.test(type)) {
    return readCharge(resource, type)
  }
  if (/^PAYMENT\.REFUND\./.test(type)) return readRefund(resource, type)
  if (/^CUSTOMER\.DISPUTE\.(?:CREATED|UPDATED|RESOLVED)$/.test(type)) return readDispute(resource)
  return undefined
}

/** PayPal's events have no mode. Their links lead to the API of one. */
function modeOfLink(link: Json): Mode | undefined {
  const host = /^https:\/\/([a-z0-9.-]{1,100})\//.exec(textAt(link, 'href') ?? '')?.[1] ?? ''
  if (/^api(?:-m)?\.sandbox\.paypal\.com$/.test(host)) return 'test'
  return /^api(?:-m)?\.paypal\.com$/.test(host) ? 'live' : undefined
}

/** The object's own clock where it has one: the event is made seconds later. */
function timeOf(type: string, resource: Json, body: Json): number {
  const own = timeAt(resource, 'update_time')
  const created = /\.CREATED$/.test(type) ? timeAt(resource, 'create_time') : null
  const at = own ?? created ?? timeAt(body, 'create_time')
  if (at === null) throw new ShapeError('create_time is missing')
  return at
}
