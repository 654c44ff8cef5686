import { seeded } from '@fairlead/testbed/seeded'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowser } from '../fixtures/browser.ts'
import { kolmogorovSmirnov } from '../fixtures/kolmogorov-smirnov.ts'
import { openPeopleApi, type PeopleApi } from '../fixtures/people-api.ts'

/** The short form is in `link.test.ts`. FAIRLEAD_CHAOS_SEED asks in the same order again. */
const seed = Number(process.env.FAIRLEAD_CHAOS_SEED ?? Date.now() % 1_000_000)
const samples = 2_000

let people: PeopleApi
beforeAll(async () => {
  people = await openPeopleApi()
  for (const [prefix, active] of [
    ['known', true],
    ['disabled', false],
  ] as const) {
    await people.api.store.query(
      `insert into members (organization_id, id, email, role, managed_by, active)
       select o.id, gen_random_uuid(), $1 || n || '@acme.example', 'viewer', 'tenant', $2
       from organizations o, generate_series(0, $3::int - 1) as n where o.slug = 'acme'`,
      [prefix, active, samples],
    )
  }
})
afterAll(async () => await people?.[Symbol.asyncDispose]())

const kinds = ['known', 'unknown', 'disabled', 'limited'] as const
const addressOf = (kind: (typeof kinds)[number], n: number) =>
  kind === 'limited' ? 'owner@acme.example' : `${kind}${n}@acme.example`

test('the time of an answer tells whether an address is known, unknown, disabled or limited', async () => {
  const times = Object.fromEntries(kinds.map(kind => [kind, [] as number[]])) as Record<
    (typeof kinds)[number],
    number[]
  >
  const by = openBrowser(people.api.url)
  // The first answers of a process are slower than the rest, and the limited address has to be.
  for (let i = 0; i < 100; i++) await by.post('/auth/request-magic-link', { email: addressOf('limited', 0) })
  // In an order of chance: the work that follows one answer slows the next, of whichever kind.
  const random = seeded(seed)
  const order = kinds.flatMap(kind =>
    Array.from({ length: samples }, (_, n) => ({ kind, n, place: random() })),
  )
  for (const [i, { kind, n }] of order.toSorted((a, b) => a.place - b.place).entries()) {
    const headers = { 'x-forwarded-for': `10.${(i >> 8) & 255}.${i & 255}.1` }
    const browser = openBrowser(people.api.url)
    const startedAt = performance.now()
    const { status } = await browser.post('/auth/request-magic-link', { email: addressOf(kind, n) }, headers)
    times[kind].push(performance.now() - startedAt)
    expect(status).toBe(200)
  }
  const told = kinds.flatMap((a, i) =>
    kinds.slice(i + 1).map(b => ({ pair: `${a} and ${b}`, p: kolmogorovSmirnov(times[a], times[b]) })),
  )
  // Six pairs are compared: one of a hundred would differ by chance.
  expect(
    told.filter(({ p }) => p <= 0.01 / told.length),
    `seed ${seed}`,
  ).toEqual([])
}, 1_200_000)
