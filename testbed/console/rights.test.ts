import { openPeopleApi, type PeopleApi, superadmin, support } from '@fairlead/api/auth/fixtures/people-api'
import { operations } from '@fairlead/api/operations'
import { type Right, rights } from '@fairlead/api/rights'
import { permissionOf } from '@fairlead/console/app/rights'
import { afterAll, beforeAll, expect, test } from 'vitest'

type Me = Exclude<Parameters<typeof permissionOf>[0], undefined>

let people: PeopleApi
beforeAll(async () => {
  people = await openPeopleApi()
  for (const role of ['admin', 'developer', 'viewer']) {
    await people.api.store.query(
      `insert into members (organization_id, id, email, role, managed_by)
       select id, gen_random_uuid(), $1, $2::member_role, 'tenant' from organizations where slug = 'acme'`,
      [`${role}@acme.example`, role],
    )
  }
}, 240_000)
afterAll(async () => await people?.[Symbol.asyncDispose]())

/** An operation for each right that asks for an organization alone, or of the platform: without a body it changes nothing. */
const askedBy = (right: Right) =>
  operations.find(
    ({ access, path }) =>
      access === right && (right.startsWith('platform') ? /^[^{]+$/ : /^[^{]+\{slug\}[^{]*$/).test(path),
  )

test.each([
  ...['owner', 'admin', 'developer', 'viewer'].map(role => `${role}@acme.example`),
  support,
  superadmin,
])('the console offers %s what the API refuses, or the other way round', async email => {
  const browser = await people.signedIn(email)
  const me = JSON.parse((await browser.fetch('GET', '/api/v1/me')).text) as Me
  for (const slug of ['acme', 'globex']) {
    for (const right of rights) {
      const asked = askedBy(right)
      if (!asked) continue
      const { name, method, path } = asked
      const answer = await browser.fetch(method.toUpperCase(), path.replace('{slug}', slug))
      const { code } = answer.status < 400 ? { code: 'ok' } : JSON.parse(answer.text)
      // An organization that the caller has nothing to do with is not found.
      const isAllowed = code !== 'forbidden' && code !== 'not_found'
      const { may, who } = permissionOf(me, right, slug)
      expect([may, who === ''], `${name} in ${slug}: ${answer.status} ${code}`).toEqual([
        isAllowed,
        isAllowed,
      ])
    }
  }
})

test('owners alone are offered what no operation without an id asks for', async () => {
  // The comparison above has nothing to ask with: a right is here until an operation of its own comes.
  expect(rights.filter(right => !askedBy(right))).toEqual(['own'])
  for (const [email, owned] of [
    ['owner@acme.example', ['acme']],
    ['admin@acme.example', []],
    [support, []],
    [superadmin, ['acme', 'globex']],
  ] as const) {
    const browser = await people.signedIn(email)
    const me = JSON.parse((await browser.fetch('GET', '/api/v1/me')).text) as Me
    expect(
      ['acme', 'globex'].filter(slug => permissionOf(me, 'own', slug).may),
      email,
    ).toEqual(owned)
  }
})

test('somebody who looks as a member is offered what would change something', async () => {
  const browser = await people.signedIn(support)
  const begun = await browser.fetch('POST', '/api/v1/me/impersonation', {
    organization: 'acme',
    email: 'owner@acme.example',
    reason: 'a test of the console',
  })
  expect(begun.status, begun.text).toBe(200)
  const me = JSON.parse((await browser.fetch('GET', '/api/v1/me')).text) as Me
  const offered = rights.filter(right => permissionOf(me, right, 'acme').may)
  expect(offered).toEqual(['read'])
})

test('something is offered before the API has said who looks', () => {
  expect(rights.filter(right => permissionOf(undefined, right, 'acme').may)).toEqual([])
})
