import { newId } from '@fairlead/webhook/id'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isWrite, type Operation } from '../operation.ts'
import { operations } from '../operations.ts'
import type { Right } from '../rights.ts'
import { type Role, roles } from '../role.ts'
import type { Browser } from './fixtures/browser.ts'
import { openPeopleApi, type PeopleApi, superadmin, support } from './fixtures/people-api.ts'

/** Said once more, so that a change of the table is seen here. */
const least: Readonly<Record<Right, Role>> = {
  read: 'viewer',
  operate: 'developer',
  administer: 'admin',
  own: 'owner',
  'platform-read': 'viewer',
  platform: 'owner',
}

/** Each caller's role in acme, in every other organization, and on the platform. */
const callers = [
  ...roles.map(role => ({
    email: `${role}@walk.example`,
    acme: role,
    others: undefined,
    platform: undefined,
  })),
  { email: 'elsewhere@walk.example', acme: undefined, others: undefined, platform: undefined },
  { email: support, acme: 'viewer', others: 'viewer', platform: 'viewer' },
  { email: superadmin, acme: 'owner', others: 'owner', platform: 'owner' },
] as const

let people: PeopleApi
const browsers = new Map<string, Browser>()
beforeAll(async () => {
  people = await openPeopleApi({ FAIRLEAD_TENANT_ACCOUNTS: 'true' })
  for (const { email, acme } of callers) {
    if (acme && !email.endsWith('@platform.example')) await addMember(email, acme, 'acme')
  }
  // Somebody who may sign in, and has nothing to do with acme or globex.
  const { store } = people.api
  await store.client.organizations.applyOrganization({
    owner: { kind: 2, reference: 'third.yaml#third' },
    slug: 'third',
    displayName: 'Third',
    retentionDays: 30,
    members: [{ email: 'elsewhere@walk.example', role: 1 }],
  })
  for (const { email } of callers) browsers.set(email, await people.signedIn(email))
})
afterAll(async () => await people?.[Symbol.asyncDispose]())

async function addMember(email: string, role: Role, slug: string): Promise<void> {
  await people.api.store.query(
    `insert into members (organization_id, id, email, role, managed_by)
     select id, gen_random_uuid(), $1, $2::member_role, 'tenant' from organizations where slug = $3`,
    [email, role, slug],
  )
}

const absent: Readonly<Record<string, string>> = {
  event: newId('evt', 1),
  delivery: newId('dlv', 1),
  replay: newId('rpl', 1),
  key: newId('key', 1),
  destination: newId('dst', 1),
  member: newId('mem', 1),
  invitation: newId('inv', 1),
  session: `ses_${'0'.repeat(24)}`,
  passkey: `pky_${'0'.repeat(24)}`,
  rejection: '4711',
}

const includes = (role: Role | undefined, other: Role) =>
  role !== undefined && roles.indexOf(role) <= roles.indexOf(other)

/** Without a body: who may not is told before one is read, and who may changes nothing. */
async function ask(by: Browser, { method, path }: Operation, slug: string) {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    name === 'slug' ? slug : (absent[name] ?? 'absent'),
  )
  const cookie = [...by.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const leaving = new AbortController()
  const response = await fetch(people.api.url + filled, {
    method: method.toUpperCase(),
    headers: { cookie, 'sec-fetch-site': 'same-origin' },
    signal: leaving.signal,
  })
  const code = response.ok ? undefined : ((await response.json()) as { code: string }).code
  // A stream would go on for ever.
  leaving.abort()
  return { status: response.status, code }
}

const isOfPlatform = ({ access }: Operation) => access.startsWith('platform')
const inOrganizations = operations.filter(one => one.path.includes('{slug}') && !isOfPlatform(one))

test.each(callers)(
  '$email may do in acme what the table says, and elsewhere too',
  async caller => {
    const by = browsers.get(caller.email)!
    for (const operation of inOrganizations) {
      const needed = least[operation.access]
      const own = await ask(by, operation, 'acme')
      const where = `${operation.name} as ${caller.email}`
      if (caller.acme === undefined) expect(own, where).toEqual({ status: 404, code: 'not_found' })
      else expect(own.code === 'forbidden', `${where}: ${own.status}`).toBe(!includes(caller.acme, needed))
      const other = await ask(by, operation, 'globex')
      if (caller.others === undefined) {
        expect(other, where).toEqual({ status: 404, code: 'not_found' })
        expect(await ask(by, operation, 'nobody'), where).toEqual(other)
      } else expect(other.code === 'forbidden', where).toBe(!includes(caller.others, needed))
    }
  },
  300_000,
)

test.each(callers)('$email may do on the platform what the table says', async caller => {
  const by = browsers.get(caller.email)!
  for (const operation of operations.filter(isOfPlatform)) {
    const { code } = await ask(by, operation, 'nobody')
    expect(code === 'forbidden', `${operation.name} as ${caller.email}`).toBe(
      !includes(caller.platform, least[operation.access]),
    )
  }
})

test('every operation that changes something is refused to pages of other sites', async () => {
  const by = browsers.get(superadmin)!
  // Open ones read no cookie: a page of another site gets what its own server would.
  for (const operation of operations.filter(one => isWrite(one) && !one.open)) {
    const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => absent[name] ?? 'acme')
    const cookie = [...by.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(people.api.url + path, {
      method: operation.method.toUpperCase(),
      headers: { cookie, 'sec-fetch-site': 'cross-site' },
    })
    const { code } = (await response.json()) as { code: string }
    expect(code, operation.name).toBe('cross_site')
  }
}, 180_000)
