import { describe, expect, it } from 'vitest'
import type { ObjectKind } from './attributes.ts'
import type { Fact } from './facts.ts'
import { stripeFacts } from './fixtures/ledger.ts'
import {
  aCharge,
  aCustomer,
  anIntent,
  anInvoice,
  aSubscription,
  type Fields,
  start,
  stripeEvent,
} from './fixtures/stripe.ts'
import { fold, foldInSteps } from './fold/fold.ts'
import { indexOf } from './project/payment-index.ts'
import { projectPayments } from './project/payments.ts'
import type { CustomerRows, Folded } from './rows.ts'
import { mostFolded, weightOf } from './weight.ts'

/** Updates of one subscription, so many in each second, each with its before-image. */
function updates(count: number, inOneSecond: number): readonly Fact[] {
  const events = Array.from({ length: count }, (_, index) =>
    stripeEvent('customer.subscription.updated', aSubscription({ cancel_at: start + index }), {
      at: start + Math.floor(index / inOneSecond),
      previous: { cancel_at: start + index - 1 },
    }),
  )
  return stripeFacts(events).filter(({ kind, eventId }) => kind === 'subscription' && eventId !== 'mention')
}

/** The least of three, so that another process's turn doesn't count. */
function millisecondsOf(work: () => unknown): number {
  const times = [0, 1, 2].map(() => {
    const from = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(from)
    return (user + system) / 1_000
  })
  return Math.max(0.5, Math.min(...times))
}

describe('how long a fold takes', () => {
  it.each([1, 12, 40, 2_000])('grows with the facts and no faster, %i of them in one second', inOneSecond => {
    const [few, many] = [updates(mostFolded / 8, inOneSecond), updates(mostFolded, inOneSecond)]
    fold('subscription', few)
    const [short, long] = [few, many].map(facts => millisecondsOf(() => fold('subscription', facts)))
    // Eight times as many facts; 64 times would be quadratic.
    expect(long! / short!).toBeLessThan(32)
  })

  it('is cut in steps, at least one for each crowded instant', () => {
    const folding = foldInSteps('subscription', { facts: updates(480, 12) })
    let steps = 1
    while (!folding.next().done) steps += 1
    expect(steps).toBeGreaterThan(40)
  })
})

describe('an object with more facts than are folded', () => {
  it('says so, and is not complete', () => {
    const folding = foldInSteps('subscription', { facts: updates(3, 1), cut: true })
    let step = folding.next()
    while (!step.done) step = folding.next()
    expect(step.value.rows).toMatchObject([{ complete: false, anomalies: { too_many_facts: 1 } }])
  })

  it('keeps what nothing undoes before what may change the row, and that before what changes nothing', () => {
    const of = (object: Fields, previous?: Fields) =>
      stripeFacts([stripeEvent('customer.subscription.updated', object, { ...(previous && { previous }) })])
        .filter(({ kind }) => kind === 'subscription')
        .map(fact => weightOf(fact, fact.personal))
    expect(of(aSubscription({ status: 'canceled' }))).toEqual([2])
    expect(of(aSubscription({ cancel_at: start }), { cancel_at: null })).toEqual([1])
    expect(of(aSubscription())).toEqual([1])
    expect(of(aSubscription({ metadata: { seen: '2' } }), { metadata: { seen: '1' } })).toEqual([0])
  })
})

describe('a thousand updates after an end that change nothing', () => {
  it('push no fact out of the history of a paid invoice, and a deletion still counts most', () => {
    const weightsOf = (kind: ObjectKind, events: Parameters<typeof stripeFacts>[0]) =>
      stripeFacts(events)
        .filter(fact => fact.kind === kind)
        .map(fact => weightOf(fact, fact.personal))
    const paid = (previous: Fields) =>
      stripeEvent('invoice.updated', anInvoice({ status: 'paid' }), { previous })
    expect(weightsOf('invoice', [paid({ status: 'open' })])).toEqual([2])
    expect(weightsOf('invoice', [paid({ metadata: { seen: '1' } })])).toEqual([0])
    const ended = (previous: Fields) =>
      stripeEvent('customer.subscription.updated', aSubscription({ status: 'canceled' }), { previous })
    expect(weightsOf('subscription', [ended({ metadata: { seen: '1' } })])).toEqual([0])
    const gone = stripeEvent('customer.deleted', aCustomer({ deleted: true }))
    expect(weightsOf('customer', [gone])).toEqual([2])
  })
})

describe("a customer's payments", () => {
  it('are computed in a time that grows with their number and no faster', () => {
    const rowsOf = (count: number): CustomerRows => {
      const facts = stripeFacts(
        Array.from({ length: count }, (_, index) => [
          stripeEvent(
            'payment_intent.succeeded',
            anIntent({ id: `pi_${index}`, latest_charge: `ch_${index}` }),
          ),
          stripeEvent('charge.succeeded', aCharge({ id: `ch_${index}`, payment_intent: `pi_${index}` })),
        ]).flat(),
      )
      const rows = <K extends ObjectKind>(of: K): Folded<K>['rows'] =>
        [
          ...Map.groupBy(
            facts.filter(({ kind }) => kind === of),
            ({ objectId }) => objectId,
          ).values(),
        ].flatMap(some => fold(of, some).rows)
      return {
        customer: null,
        products: [],
        plans: [],
        coupons: [],
        discounts: [],
        subscriptions: [],
        transitions: [],
        invoices: [],
        invoicePayments: [],
        paymentIntents: rows('payment_intent'),
        charges: rows('charge'),
        refunds: [],
        disputes: [],
        checkouts: [],
        orders: [],
      }
    }
    const [few, many] = [rowsOf(500), rowsOf(4_000)]
    projectPayments(few)
    const [short, long] = [few, many].map(rows => millisecondsOf(() => projectPayments(rows)))
    expect(projectPayments(many)).toHaveLength(4_000)
    expect(long! / short!).toBeLessThan(32)
  })

  it('belong to the first intent that names a charge, as if they were looked for one by one', () => {
    const [charge] = stripeFacts([stripeEvent('charge.succeeded', aCharge({ payment_intent: null }))])
    const intents = stripeFacts(
      ['pi_a', 'pi_b'].map(id =>
        stripeEvent('payment_intent.succeeded', anIntent({ id, latest_charge: 'ch_1' })),
      ),
    ).filter(({ kind }) => kind === 'payment_intent')
    const rows = {
      paymentIntents: intents.flatMap(fact => fold('payment_intent', [fact]).rows),
      charges: fold('charge', [charge!]).rows,
      refunds: [],
      disputes: [],
      invoices: [],
      invoicePayments: [],
    } as unknown as CustomerRows
    expect(indexOf(rows).intentOf(rows.charges[0]!)).toBe('pi_a')
  })
})
