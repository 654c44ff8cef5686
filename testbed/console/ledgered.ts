import { createHmac } from 'node:crypto'
import { stripeLife } from '../billing/stripe-life.ts'
import { renderStripe } from '../billing/stripe-versions.ts'
import type { Json, StripeWorld } from '../billing/stripe-world.ts'
import { seeded } from '../seeded.ts'
import { until } from '../until.ts'
import type { RunningConsole } from './running-console.ts'

/** An organization whose ledger is on, in the console's addresses and the API's. */
export const ledgered = '/organizations/ledgered'
const secret = 'whsec_test_only_stripe_of_ledgered'

export interface Filled {
  /** A life at Stripe that goes on, with a dispute, in a currency of three decimals: the state that the ledger must come to. */
  readonly live: StripeWorld
  /** Another of test data, one of whose prices has the id of a live price. */
  readonly test: StripeWorld
}

/** Makes the organization and sends two lives there, the newest event first, with repeats. Ends when the ledger has both. */
export async function fillLedger(running: RunningConsole): Promise<Filled> {
  await running.call('POST', '/api/v1/organizations', { slug: 'ledgered', ledger: { enabled: true } })
  await running.call('POST', `/api/v1${ledgered}/sources`, {
    name: 'stripe',
    provider: 'stripe',
    secrets: [{ id: 'key', value: secret }],
  })
  const live = lifeWith('one', objects => has(objects, 'dispute') && currencyOf(objects) === 'bhd')
  const test = lifeWith('two', objects => currencyOf(objects) === 'jpy')
  const events = [...eventsOf(live, true), ...eventsOf(test, false), oddEvent]
  // The source is known to receivers a moment after it was made.
  await until(() => post(running, events[0]!), { what: 'a source that takes events', deadlineMs: 30_000 })
  for (const event of [...events.toReversed(), ...events.slice(0, 5)]) {
    if (!(await post(running, event))) throw new Error('an event was refused')
  }
  await untilTold(running, live, 'live')
  await untilTold(running, test, 'test')
  return { live, test }
}

/** An event of no type that the ledger knows. */
const oddEvent: Json = {
  id: 'evt_odd',
  object: 'event',
  api_version: '2026-08-26.dahlia',
  created: 1_767_225_600,
  data: { object: { id: 'odd_1', object: 'odd' } },
  livemode: true,
  type: 'odd.happened',
}

type Objects = readonly Json[]
const has = (objects: Objects, kind: string): boolean => objects.some(({ object }) => object === kind)
const currencyOf = (objects: Objects) => objects.find(({ object }) => object === 'price')?.currency

/** The first life of its kind that goes on. */
function lifeWith(name: string, fits: (objects: Objects) => boolean): StripeWorld {
  for (let seed = 1; seed < 2_000; seed++) {
    const world = stripeLife(seeded(seed), name, { months: 5, squeezed: false })
    const objects = [...world.objects.values()]
    const goesOn = objects.some(({ object, status }) => object === 'subscription' && status === 'active')
    if (goesOn && fits(objects)) return world
  }
  throw new Error('no seed gives such a life')
}

/** As Stripe sends them, moved in time so that the life has come to today; prices of both lives have the same ids. */
function eventsOf(world: StripeWorld, live: boolean): Json[] {
  const days = Math.floor((Date.now() / 1_000 - world.now()) / 86_400)
  return world.happenings.flatMap(happening => {
    const event = renderStripe(happening, { version: '2026-08-26.dahlia', live })
    return event ? [moved(event, days * 86_400)] : []
  })
}

/** Times of the lives, Unix s: nothing else that they count is as large. */
const isTime = (value: unknown): value is number =>
  typeof value === 'number' && value > 1_700_000_000 && value < 2_000_000_000

function moved(event: Json, seconds: number): Json {
  const text = JSON.stringify(event, (_, value: unknown) => (isTime(value) ? value + seconds : value))
  return JSON.parse(text.replaceAll(/"gold-plan_(?:one|two)(\d+)"/g, '"gold-plan_$1"')) as Json
}

async function post({ receiverUrl }: RunningConsole, event: Json): Promise<boolean> {
  const body = JSON.stringify(event)
  const t = Math.floor(Date.now() / 1_000)
  const signature = createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')
  const response = await fetch(`${receiverUrl}/webhooks/ledgered/stripe`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'stripe-signature': `t=${t},v1=${signature}` },
    body,
  })
  return response.ok
}

/** Until the ledger says of subscriptions and payments what the life does. */
async function untilTold(running: RunningConsole, world: StripeWorld, mode: string): Promise<void> {
  const objects = [...world.objects.values()]
  const count = (kind: string) => objects.filter(({ object }) => object === kind).length
  const states = objects
    .flatMap(({ object, status }) => (object === 'subscription' ? [status] : []))
    .toSorted()
  const rows = async (list: string) =>
    (await running.call('GET', `/api/v1${ledgered}/billing/${list}?mode=${mode}`)).items
  await until(
    async () => {
      const subscriptions = await rows('subscriptions')
      const found = subscriptions.map(({ status }: { status: string }) => status).toSorted()
      return (
        found.join() === states.join() &&
        subscriptions.every(({ gaps }: { gaps: number }) => gaps === 0) &&
        (await rows('invoices')).length === count('invoice') &&
        (await rows('payments')).length === count('payment_intent')
      )
    },
    { what: `the ledger of ${mode} data`, deadlineMs: 120_000, everyMs: 300 },
  )
}
