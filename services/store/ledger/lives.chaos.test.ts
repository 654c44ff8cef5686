import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectOtherLives, expectStripeLives } from './fixtures/generated-lives.ts'

/** `FAIRLEAD_LIVES=200 npx vitest run --config vitest.chaos.config.ts services/store/ledger/lives` takes fewer. */
const lives = Number(process.env.FAIRLEAD_LIVES ?? 1_000)
/** Lives that share an organization. */
const together = 20

const opened = new AsyncDisposableStack()
let stores: readonly [TestStore, TestStore]

beforeAll(async () => {
  const first = opened.use(await startTestStore())
  stores = [first, opened.use(await startTestStore(first))]
})
afterAll(() => opened.disposeAsync())

const jumbled = { callers: 4, abortsOfHundred: 5 }

test(`${lives} generated lives at Stripe have their world's tables, whatever happens to their events`, async () => {
  let aborted = 0
  for (let from = 1; from <= lives; from += together) {
    const to = Math.min(lives, from + together - 1)
    aborted += await expectStripeLives({ stores, slug: `stripe-${from}`, from, to, ...jumbled })
    console.log(`${to} lives, ${aborted} transactions broken off`)
  }
  expect(aborted).toBeGreaterThan(0)
}, 7_200_000)

test(`${lives / 5} generated lives at PayPal and Shopify have theirs`, async () => {
  for (let from = 1; from <= lives / 5; from += together)
    await expectOtherLives({ stores, slug: `others-${from}`, from, to: from + together - 1, ...jumbled })
}, 3_600_000)
