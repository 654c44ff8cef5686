import { until } from '@fairlead/testbed/until'
import { MemberRole } from '@fairlead/wire/store/member'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStream } from '../../fixtures/read-stream.ts'
import { type Browser, openBrowser } from '../fixtures/browser.ts'
import { openPeopleApi, type PeopleApi, superadmin, support } from '../fixtures/people-api.ts'

const at = '/api/v1/organizations/acme'

let people: PeopleApi
beforeAll(async () => {
  people = await openPeopleApi({ FAIRLEAD_API_STREAM_HEARTBEAT_SECONDS: 1 })
})
afterAll(async () => await people?.[Symbol.asyncDispose]())

async function ask(by: Browser, method: string, path: string, body?: unknown) {
  const { status, text } = await by.fetch(method, path, body)
  return { status, body: text === '' ? undefined : JSON.parse(text) }
}

async function addMember(email: string, role: string, slug = 'acme'): Promise<{ id: string; by: Browser }> {
  await people.api.store.query(
    `insert into members (organization_id, id, email, role, managed_by)
     select id, gen_random_uuid(), $1, $2::member_role, 'tenant' from organizations where slug = $3`,
    [email, role, slug],
  )
  const by = await people.signedIn(email)
  const { body } = await ask(by, 'GET', `/api/v1/organizations/${slug}/members`)
  return { id: body.items.find((one: { email: string }) => one.email === email).id, by }
}

describe('invitations', () => {
  test('an invited address signs in, sees the invitation, and joins by a click', async () => {
    const owner = await people.signedIn('owner@acme.example')
    const { status } = await ask(owner, 'POST', `${at}/invitations`, {
      email: 'Ada@Example.com',
      role: 'viewer',
    })
    expect(status).toBe(201)
    const { raw, link } = await people.mailbox.mailTo('ada@example.com')
    expect(raw).toContain('owner@acme.example invites you to the organization ACME')

    // A robot that opens the link and presses what is there joins nothing.
    const robot = await people.signedIn('owner@globex.example')
    expect((await robot.get(link)).text).toContain('sign in as this address')
    expect(
      (await robot.post('/auth/invitation', { invitation: 'inv_00000000000000000000000000' })).status,
    ).toBe(404)

    await people.client.flushall()
    const ada = await people.signInByMail('ada@example.com')
    expect((await ask(ada, 'GET', at)).status).toBe(404)
    const { body: me } = await ask(ada, 'GET', '/api/v1/me')
    expect(me).toMatchObject({
      organizations: [],
      invitations: [{ role: 'viewer', organization: { slug: 'acme' } }],
    })
    const page = await ada.get(link)
    const invitation = /name="invitation" value="(inv_\w+)"/.exec(page.text)![1]!
    expect((await ada.post('/auth/invitation', { invitation })).status).toBe(303)
    expect((await ask(ada, 'GET', at)).status).toBe(200)
    expect((await ask(ada, 'POST', `/api/v1/me/invitations/${invitation}/accept`)).status).toBe(404)
    const { body: log } = await people.api.call('GET', `${at}/audit-log?action=member.joined`)
    expect(log.items[0]).toMatchObject({ actor: { kind: 'member', name: 'ada@example.com' } })
  })

  test('who signs in from an invitation comes back to it', async () => {
    const owner = await people.signedIn('owner@acme.example')
    await ask(owner, 'POST', `${at}/invitations`, { email: 'lin@example.com', role: 'viewer' })
    const { link } = await people.mailbox.mailTo('lin@example.com')
    const lin = openBrowser(people.api.url)
    await lin.get(link)
    await lin.post('/auth/request-magic-link', { email: 'lin@example.com' })
    const { token } = await people.mailbox.mailTo('lin@example.com', 2)
    const { location } = await lin.post('/auth/verify', { token })
    const { pathname, search } = new URL(link)
    expect(location).toBe(pathname + search)
    expect((await lin.get(location!)).text).toContain('name="invitation"')
  })

  test('an invitation is nobody else’s, ends when revoked, and of two for one address the newer counts', async () => {
    const owner = await people.signedIn('owner@acme.example')
    const invite = async () =>
      (await ask(owner, 'POST', `${at}/invitations`, { email: 'bob@example.com' })).body.id as string
    const first = await invite()
    const second = await invite()
    const stranger = await people.signedIn('owner@globex.example')
    expect((await ask(stranger, 'POST', `/api/v1/me/invitations/${second}/accept`)).status).toBe(404)
    const bob = await people.signedIn('bob@example.com')
    expect((await ask(bob, 'POST', `/api/v1/me/invitations/${first}/accept`)).status).toBe(404)
    expect((await ask(owner, 'DELETE', `${at}/invitations/${second}`)).status).toBe(204)
    const after = await people.signedIn('bob@example.com')
    expect((await ask(after, 'POST', `/api/v1/me/invitations/${second}/accept`)).status).toBe(401)
  })

  test('an invitation that has ended lets somebody in, or stands in the way of a new one', async () => {
    const owner = await people.signedIn('owner@acme.example')
    const invite = (by: Browser, role: string) =>
      ask(by, 'POST', `${at}/invitations`, { email: 'late@example.com', role })
    const { body } = await invite(owner, 'owner')
    const { link } = await people.mailbox.mailTo('late@example.com')
    const late = await people.signedIn('late@example.com')
    await people.api.store.query(
      "update invitations set expires_at = now() - interval '1 second' where email = 'late@example.com'",
    )
    expect((await ask(late, 'POST', `/api/v1/me/invitations/${body.id}/accept`)).status).not.toBe(200)
    expect((await late.get(link)).text).not.toContain('name="invitation"')
    const { body: listed } = await ask(owner, 'GET', `${at}/invitations`)
    expect(JSON.stringify(listed)).not.toContain('late@example.com')
    expect((await ask(owner, 'DELETE', `${at}/invitations/${body.id}`)).status).toBe(404)
    // By an admin, who may not touch an owner's invitation that is open.
    const { by: admin } = await addMember('admin-of-late@example.com', 'admin')
    const again = await invite(admin, 'viewer')
    expect(again.status).toBe(201)
    const joined = await people.signedIn('late@example.com')
    expect((await ask(joined, 'POST', `/api/v1/me/invitations/${again.body.id}/accept`)).status).toBe(200)
  })

  test('a repeat with the same Idempotency-Key mails no second link, which nobody could follow', async () => {
    const invite = (email: string, key: string) =>
      people.api.call('POST', `${at}/invitations`, { body: { email }, headers: { 'idempotency-key': key } })
    const first = await invite('dora@example.com', 'invite dora')
    const second = await invite('dora@example.com', 'invite dora')
    expect(second.body).toEqual(first.body)
    // A second mail would have been begun before this one.
    await invite('after-dora@example.com', 'invite another')
    await people.mailbox.mailTo('after-dora@example.com')
    const mails = people.mailbox.mails.filter(({ to }) => to.includes('dora@example.com'))
    expect(mails).toHaveLength(1)
    const { link } = await people.mailbox.mailTo('dora@example.com')
    const dora = await people.signedIn('dora@example.com')
    expect((await dora.get(link)).text).toContain(first.body.id)
  })

  test('an organization fills the line of mails with invitations, or somebody’s mailbox', async () => {
    const invite = (email: string, slug = 'acme') =>
      people.api.call('POST', `/api/v1/organizations/${slug}/invitations`, { body: { email } })
    const statuses = []
    for (let i = 0; i < 5; i++) statuses.push((await invite('bothered@example.com')).status)
    expect(statuses).toEqual(Array(5).fill(201))
    // However it is written. The wait is that of the limit that refuses: the rest of a day.
    const refused = await invite('Bothered@Example.com')
    expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_600)
    // A stranger, whose organization is full of invitations of that address, keeps no other from it.
    expect((await invite('bothered@example.com', 'globex')).status).toBe(201)
    const many = []
    for (let i = 0; i < 100; i++) many.push(await invite(`many-${i}@example.com`, 'globex'))
    expect(many.filter(({ status }) => status === 201)).toHaveLength(99)
    const last = many.at(-1)!
    expect(last.status).toBe(429)
    expect(Number(last.headers.get('retry-after'))).toBeLessThanOrEqual(3_600)
    expect((await invite('other@example.com')).status).toBe(201)
  })

  test('invitations that send no mail use up those that would', async () => {
    const invite = (email: string, key?: string) =>
      people.api.call('POST', `${at}/invitations`, {
        body: { email },
        ...(key !== undefined && { headers: { 'idempotency-key': key } }),
      })
    const statuses = async (times: number, email: string, key?: string) => {
      const found = []
      for (let i = 0; i < times; i++) found.push((await invite(email, key)).status)
      return found
    }
    // Invitations that are repeated under one key count once, and those of a member count for nothing.
    expect(await statuses(7, 'spent@example.com', 'invite spent')).toEqual(Array(7).fill(201))
    expect(await statuses(7, 'owner@acme.example')).toEqual(Array(7).fill(409))
    expect(await statuses(5, 'spent@example.com')).toEqual([201, 201, 201, 201, 429])
  })

  test('a key that may change members alone makes somebody who may do more', async () => {
    const make = async (...scopes: string[]) =>
      (
        await people.api.call('POST', `${at}/api-keys`, {
          body: { name: scopes.join(), role: 'owner', scopes },
        })
      ).body.key
    const narrow = await make('members:write', 'members:read')
    const ask = (key: string, method: string, path: string, body: object) =>
      people.api.call(method, at + path, { key, body })
    const invited = await ask(narrow, 'POST', '/invitations', { email: 'thief@example.com', role: 'owner' })
    expect([invited.status, invited.body.detail]).toEqual([403, expect.stringContaining('audit:read')])
    const viewer = await addMember('plain@acme.example', 'viewer')
    const raised = await ask(narrow, 'PATCH', `/members/${viewer.id}`, { role: 'admin' })
    expect([raised.status, raised.body.code]).toEqual([403, 'forbidden'])
    const reads = ['organizations', 'events', 'billing', 'rejections', 'settings', 'members']
    const wider = await make('members:write', ...reads.map(noun => `${noun}:read`))
    const asViewer = { email: 'welcome@example.com', role: 'viewer' }
    expect((await ask(wider, 'POST', '/invitations', asViewer)).status).toBe(201)
    expect((await ask(wider, 'POST', '/invitations', { ...asViewer, role: 'developer' })).status).toBe(403)
  })

  test('twenty clicks at once make one member', async () => {
    const owner = await people.signedIn('owner@acme.example')
    const { body } = await ask(owner, 'POST', `${at}/invitations`, { email: 'cleo@example.com' })
    const cleo = await people.signedIn('cleo@example.com')
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ask(cleo, 'POST', `/api/v1/me/invitations/${body.id}/accept`)),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  test('somebody who is a member already is not invited', async () => {
    const owner = await people.signedIn('owner@acme.example')
    const { status, body } = await ask(owner, 'POST', `${at}/invitations`, { email: 'owner@acme.example' })
    expect([status, body.code]).toEqual([409, 'conflict'])
  })
})

describe('roles', () => {
  test('nobody gives, takes or touches a role above the own one', async () => {
    const admin = await addMember('admin@acme.example', 'admin')
    const owner = await addMember('second-owner@acme.example', 'owner')
    const viewer = await addMember('viewer@acme.example', 'viewer')
    const refused = [
      await ask(admin.by, 'PATCH', `${at}/members/${owner.id}`, { role: 'viewer' }),
      await ask(admin.by, 'DELETE', `${at}/members/${owner.id}`),
      await ask(admin.by, 'PATCH', `${at}/members/${viewer.id}`, { role: 'owner' }),
      await ask(admin.by, 'PATCH', `${at}/members/${admin.id}`, { role: 'owner' }),
      await ask(admin.by, 'POST', `${at}/invitations`, { email: 'new-owner@example.com', role: 'owner' }),
      await ask(viewer.by, 'PATCH', `${at}/members/${viewer.id}`, { role: 'admin' }),
    ]
    expect(refused.map(({ body }) => body.code)).toEqual(Array(6).fill('forbidden'))
    const promoted = await ask(admin.by, 'PATCH', `${at}/members/${viewer.id}`, { role: 'admin' })
    expect([promoted.status, promoted.body.role]).toEqual([200, 'admin'])
    await ask(owner.by, 'DELETE', `${at}/members/${owner.id}`)
  })

  test('what the resource declares is changed there', async () => {
    const owner = await addMember('third-owner@acme.example', 'owner')
    const { body } = await ask(owner.by, 'GET', `${at}/members`)
    const declared = body.items.find(({ managedBy }: { managedBy: string }) => managedBy === 'owner')
    const answer = await ask(owner.by, 'PATCH', `${at}/members/${declared.id}`, { role: 'viewer' })
    expect([answer.status, answer.body.code]).toEqual([409, 'managed_by_kubernetes'])
    expect(answer.body.patch).toContain('role: viewer')
    await ask(owner.by, 'DELETE', `${at}/members/${owner.id}`)
  })

  test('two owners who demote each other at one time leave an owner', async () => {
    // As after the resource that declared its owner is gone.
    await people.api.store.query("delete from members where email = 'owner@globex.example'")
    for (let round = 0; round < 5; round++) {
      const one = await addMember(`one-${round}@globex.example`, 'owner', 'globex')
      const two = await addMember(`two-${round}@globex.example`, 'owner', 'globex')
      const path = '/api/v1/organizations/globex/members'
      const answers = await Promise.all([
        ask(one.by, 'PATCH', `${path}/${two.id}`, { role: 'viewer' }),
        round % 2 === 0
          ? ask(two.by, 'PATCH', `${path}/${one.id}`, { role: 'viewer' })
          : ask(two.by, 'DELETE', `${path}/${one.id}`),
      ])
      const owners = await people.api.store.query(
        `select m.id from members m join organizations o on o.id = m.organization_id
         where o.slug = 'globex' and m.role = 'owner'`,
      )
      expect(owners.length, JSON.stringify(answers)).toBe(1)
      await people.api.store.query(
        "delete from members m using organizations o where o.id = m.organization_id and o.slug = 'globex'",
      )
    }
  })

  test('the last owner can not go', async () => {
    const last = await addMember('last@globex.example', 'owner', 'globex')
    const path = `/api/v1/organizations/globex/members/${last.id}`
    for (const [method, body] of [
      ['DELETE', undefined],
      ['PATCH', { role: 'admin' }],
    ] as const) {
      const answer = await ask(last.by, method, path, body)
      expect([answer.status, answer.body.code]).toEqual([409, 'last_owner'])
    }
  })
})

test('a removed member loses page and keys at once, and a stream with its next heartbeat', async () => {
  const gone = await addMember('gone@acme.example', 'admin')
  const { body } = await ask(gone.by, 'POST', `${at}/api-keys`, { name: 'made by gone' })
  expect((await people.api.call('GET', at, { key: body.key })).status).toBe(200)
  const cookie = [...gone.by.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  await using stream = await openStream(`${people.api.url}${at}/events/stream`, null, { cookie })
  expect((await stream.any()).event).toBe('heartbeat')
  expect((await people.api.call('DELETE', `${at}/members/${gone.id}`)).status).toBe(204)
  expect((await stream.next()).event).toBe('end')
  expect((await ask(gone.by, 'GET', at)).status).toBe(401)
  expect((await people.api.call('GET', at, { key: body.key })).status).toBe(401)
  const { body: log } = await people.api.call('GET', `${at}/audit-log?action=member.removed`)
  expect(log.items[0].details).toMatchObject({ email: 'gone@acme.example', revokedKeys: [body.id] })
})

describe('sessions', () => {
  test('a person sees the own sessions, ends one by one, and no one else’s', async () => {
    const email = 'owner@acme.example'
    const here = await people.signedIn(email)
    const there = await people.signedIn(email)
    const other = await people.signedIn('admin@acme.example')
    const { body } = await ask(here, 'GET', '/auth/sessions')
    const mine = body.items.find(({ current }: { current: boolean }) => current)
    const [theirs] = (await ask(there, 'GET', '/auth/sessions')).body.items.filter(
      ({ current }: { current: boolean }) => current,
    )
    expect((await ask(other, 'DELETE', `/auth/sessions/${theirs.id}`)).status).toBe(404)
    expect((await ask(here, 'DELETE', `/auth/sessions/${theirs.id}`)).status).toBe(204)
    expect((await ask(there, 'GET', at)).status).toBe(401)
    await people.signedIn(email)
    expect((await ask(here, 'DELETE', '/auth/sessions')).status).toBe(204)
    const left = (await ask(here, 'GET', '/auth/sessions')).body.items
    expect(left.map(({ id }: { id: string }) => id)).toEqual([mine.id])
  })

  test('API keys have no sessions, and know who they are', async () => {
    expect((await people.api.call('GET', '/auth/sessions')).status).toBe(404)
    const { body } = await people.api.call('GET', '/api/v1/me')
    expect(body).toMatchObject({
      kind: 'api_key',
      rights: ['platform-read', 'platform'],
      roleElsewhere: 'owner',
    })
  })
})

describe('staff', () => {
  const path = '/api/v1/me/impersonation'

  test('support looks as a member does, for a time and with a reason, and changes nothing', async () => {
    const member = await addMember('seen@acme.example', 'admin')
    const by = await people.signedIn(support)
    const before = await ask(by, 'GET', `${at}/api-keys`)
    expect([before.status, (await ask(by, 'GET', `${at}/events`)).status]).toEqual([403, 200])
    const asked = { organization: 'acme', email: 'seen@acme.example' }
    expect((await ask(by, 'POST', path, asked)).status).toBe(400)
    expect((await ask(by, 'POST', path, { ...asked, reason: 'T-1', minutes: 31 })).status).toBe(400)
    const { status, body } = await ask(by, 'POST', path, { ...asked, reason: 'T-1' })
    expect(status).toBe(200)
    expect(Date.parse(body.endsAt) - Date.now()).toBeLessThanOrEqual(30 * 60_000)

    expect((await ask(by, 'GET', `${at}/api-keys`)).status).toBe(200)
    expect((await ask(by, 'POST', `${at}/api-keys`, { name: 'x' })).status).toBe(403)
    expect((await ask(by, 'GET', '/api/v1/organizations/globex')).status).toBe(404)
    const { body: me } = await ask(by, 'GET', '/api/v1/me')
    expect(me.impersonation).toMatchObject({
      organization: 'acme',
      email: 'seen@acme.example',
      reason: 'T-1',
    })
    const { body: log } = await people.api.call('GET', `${at}/audit-log?action=member.impersonated`)
    expect(log.items[0]).toMatchObject({
      actor: { kind: 'staff', id: support },
      subjectId: member.id,
      details: { reason: 'T-1' },
    })
    expect((await ask(by, 'DELETE', path)).status).toBe(204)
    expect((await ask(by, 'GET', `${at}/api-keys`)).status).toBe(403)
  })

  test('nobody impersonates staff, and members and keys impersonate nobody', async () => {
    await addMember(superadmin, 'viewer')
    const by = await people.signedIn(support)
    const asked = { organization: 'acme', email: superadmin, reason: 'x' }
    expect((await ask(by, 'POST', path, asked)).status).toBe(403)
    const member = await people.signedIn('owner@acme.example')
    expect((await ask(member, 'POST', path, { ...asked, email: 'seen@acme.example' })).status).toBe(403)
    expect((await people.api.call('POST', path, { body: asked })).status).toBe(403)
  })

  test('what a superadmin does stands in the audit log as staff', async () => {
    const by = await people.signedIn(superadmin)
    await ask(by, 'POST', `${at}/api-keys`, { name: 'by staff' })
    const { body } = await people.api.call('GET', `${at}/audit-log?action=api_key.created`)
    expect(body.items[0].actor).toMatchObject({ kind: 'staff', id: superadmin })
  })
})

test('an API key of an owner invites as well', async () => {
  const acme = (
    await people.api.store.client.organizations.getOrganization({ by: { case: 'slug', value: 'acme' } })
  ).organization
  const key = await people.api.makeKey(acme, MemberRole.OWNER)
  const body = { email: 'by-key@example.com', role: 'developer' }
  expect((await people.api.call('POST', `${at}/invitations`, { key, body })).status).toBe(201)
  await until(() => people.mailbox.mails.some(({ to }) => to.includes('by-key@example.com')))
})
