import type { SubscriptionItem, SubscriptionStatus } from '../attributes.ts'
import type { Terms } from '../draft.ts'
import {
  flagAt,
  idAt,
  integerAt,
  isObject,
  type Json,
  keptReference,
  listAt,
  objectAt,
  requiredId,
  secondsAt,
  textAt,
  wordAt,
} from '../read.ts'
import { couponTerms, planTerms } from './catalog.ts'
import { currencyAt, linksTo, type Reader } from './objects.ts'

const statuses: Readonly<Record<string, SubscriptionStatus>> = {
  incomplete: 'incomplete',
  incomplete_expired: 'expired',
  trialing: 'trialing',
  active: 'active',
  past_due: 'past_due',
  unpaid: 'unpaid',
  paused: 'paused',
  canceled: 'canceled',
}

export const readSubscription: Reader<'subscription'> = object => {
  const list = objectAt(object, 'items') ?? {}
  const items = listAt(list, 'data')
    .map(item => readItem(item, object))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const discounts = discountsOf(object)
  const providerStatus = textAt(object, 'status')
  const [customer, latestInvoice] = [idAt(object, 'customer'), idAt(object, 'latest_invoice')]
  return {
    kind: 'subscription',
    objectId: requiredId(object),
    incarnation: '',
    attributes: {
      customer,
      status: statuses[providerStatus ?? ''] ?? 'unknown',
      providerStatus,
      ...timesOf(object),
      ...periodOf(object, items),
      cancelAtPeriodEnd: flagAt(object, 'cancel_at_period_end') ?? false,
      collection: collectionOf(object),
      pause: pauseOf(object),
      latestInvoice,
      currency: currencyAt(object) ?? currencyOfItems(list),
      reference: referenceOf(object),
      items,
      discounts: discounts.map(({ id }) => id),
    },
    complete: flagAt(list, 'has_more') !== true,
    links: [
      ...linksTo([
        ['customer', customer],
        ['invoice', latestInvoice],
      ]),
      ...items.flatMap(({ plan }) => linksTo([['plan', plan]])),
      ...[...discounts.map(({ id }) => id), ...items.flatMap(item => item.discounts)].map(
        id => ({ kind: 'discount', id }) as const,
      ),
    ],
    terms: termsWithin(list, discounts),
  }
}

function timesOf(object: Json) {
  return {
    createdAt: secondsAt(object, 'created'),
    startAt: secondsAt(object, 'start_date'),
    trialStartAt: secondsAt(object, 'trial_start'),
    trialEndAt: secondsAt(object, 'trial_end'),
    cancelAt: secondsAt(object, 'cancel_at'),
    canceledAt: secondsAt(object, 'canceled_at'),
    endedAt: secondsAt(object, 'ended_at'),
  }
}

/** The period is the subscription's before 2025-03-31, and each item's since: then the one that ends first counts. */
function periodOf(object: Json, items: readonly SubscriptionItem[]) {
  const own = secondsAt(object, 'current_period_end')
  if (own !== null) return { periodStartAt: secondsAt(object, 'current_period_start'), periodEndAt: own }
  const first = items
    .filter(({ periodEndAt }) => periodEndAt !== null)
    .reduce<SubscriptionItem | null>(
      (earliest, item) => (earliest && earliest.periodEndAt! <= item.periodEndAt! ? earliest : item),
      null,
    )
  return { periodStartAt: first?.periodStartAt ?? null, periodEndAt: first?.periodEndAt ?? null }
}

function collectionOf(object: Json): 'automatic' | 'invoice' | null {
  const word = wordAt(object, 'collection_method', ['charge_automatically', 'send_invoice'])
  if (word === null) return null
  return word === 'send_invoice' ? 'invoice' : 'automatic'
}

function pauseOf(object: Json): { behavior: string; resumesAt: number | null } | null {
  const pause = objectAt(object, 'pause_collection')
  return pause && { behavior: textAt(pause, 'behavior') ?? '', resumesAt: secondsAt(pause, 'resumes_at') }
}

function currencyOfItems(list: Json): string | null {
  const [first] = listAt(list, 'data')
  const price = first && (objectAt(first, 'price') ?? objectAt(first, 'plan'))
  return price ? currencyAt(price) : null
}

/** The tenant's own id of a customer or a subscription, from the names of metadata that are usual for it. */
export function referenceOf(object: Json): string | null {
  const metadata = objectAt(object, 'metadata') ?? {}
  const names = ['customer_id', 'user_id', 'reference']
  const found = names
    .map(name => metadata[name])
    .filter(value => typeof value === 'string')
    .find(value => value !== '' && keptReference(value) !== null)
  return found?.slice(0, 255) ?? null
}

/** A list of ids since 2025; objects where expanded; one object before 2020. */
function discountsOf(holder: Json): { id: string; object: unknown }[] {
  const many = Array.isArray(holder.discounts) ? holder.discounts : []
  const all: readonly unknown[] = many.length > 0 ? many : [holder.discount]
  return all.flatMap(one => {
    const id = idAt({ discount: one }, 'discount')
    return id === null ? [] : [{ id, object: one }]
  })
}

function readItem(item: Json, subscription: Json): SubscriptionItem {
  return {
    id: requiredId(item),
    plan: idAt(item, 'price') ?? idAt(item, 'plan'),
    quantity: integerAt(item, 'quantity'),
    periodStartAt: secondsAt(item, 'current_period_start') ?? secondsAt(subscription, 'current_period_start'),
    periodEndAt: secondsAt(item, 'current_period_end') ?? secondsAt(subscription, 'current_period_end'),
    discounts: discountsOf(item).map(({ id }) => id),
    inline: null,
  }
}

function termsWithin(list: Json, discounts: readonly { object: unknown }[]): Terms[] {
  const items = listAt(list, 'data')
  return [
    ...items.flatMap(item => planTerms(isObject(item.price) ? item.price : item.plan)),
    ...discounts.flatMap(({ object }) => couponTerms(object)),
    ...items.flatMap(item => discountsOf(item).flatMap(({ object }) => couponTerms(object))),
  ]
}
