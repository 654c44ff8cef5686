import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectOtherLives, expectStripeLives } from './fixtures/generated-lives.ts'

/* The form with 1,000 lives is lives.chaos.test.ts. */

const opened = new AsyncDisposableStack()
let stores: readonly [TestStore, TestStore]

beforeAll(async () => {
  const first = opened.use(await startTestStore())
  stores = [first, opened.use(await startTestStore(first))]
})
afterAll(() => opened.disposeAsync())

const jumbled = { callers: 4, abortsOfHundred: 10 }

test("generated lives at Stripe have their world's tables in any order, repeated, side by side, broken off, lost and found", async () => {
  const aborted = await expectStripeLives({ stores, slug: 'stripe', from: 1, to: 4, ...jumbled })
  expect(aborted).toBeGreaterThan(0)
})

test('and so have generated lives at PayPal and Shopify', async () => {
  await expectOtherLives({ stores, slug: 'others', from: 1, to: 3, ...jumbled })
})
