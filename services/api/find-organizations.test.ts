import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPeopleApi, type PeopleApi } from './auth/fixtures/people-api.ts'

let people: PeopleApi
beforeAll(async () => {
  people = await openPeopleApi()
  const { query } = people.api.store
  await query(`update organizations set plan = 'pro', created_at = '2026-01-01' where slug = 'globex'`)
  await query(`update organizations set webhook_limit = 0 where slug = 'acme'`)
})
afterAll(async () => await people?.[Symbol.asyncDispose]())

const found = [
  ['q=ACM', ['acme']],
  ['q=no-such', []],
  ['plan=pro', ['globex']],
  ['provider=stripe', ['acme', 'globex']],
  ['provider=github&q=acme', ['acme']],
  ['provider=paypal', []],
  ['state=over_quota', ['acme']],
  ['state=active&plan=pro', ['globex']],
  ['state=inactive', []],
  ['createdBefore=2026-02-01', ['globex']],
  ['createdAfter=2026-02-01', ['acme']],
] as const

test.each(found)('staff that asks for %s gets others, or only what one page had', async (filter, slugs) => {
  const { body } = await people.api.call('GET', `/api/v1/organizations?${filter}`)
  expect(body.items, JSON.stringify(body)).toBeDefined()
  expect(body.items.map(({ slug }: { slug: string }) => slug)).toEqual(slugs)
})

test.each(found)(
  'a member that asks for %s gets what a filter excludes, or what is another’s',
  async (filter, slugs) => {
    const browser = await people.signedIn('owner@acme.example')
    const answer = await browser.fetch('GET', `/api/v1/organizations?${filter}`)
    const { items } = JSON.parse(answer.text) as { items: { slug: string }[] }
    expect(items.map(({ slug }) => slug)).toEqual(slugs.filter(slug => slug === 'acme'))
  },
)
