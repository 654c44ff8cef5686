import { parseId } from '@fairlead/webhook/id'
import { describe, expect, test } from 'vitest'
import type { Caller, Membership, PersonCaller, Staff } from './caller.ts'
import { type Right, requireRight, rights } from './rights.ts'
import { type Role, roles } from './role.ts'

const acme = parseId('org', 'org_01jd3k5t9vexqa7w2m8zr4c6hs')!
const globex = parseId('org', 'org_01jd3k5t9vexqa7w2m8zr4c6ht')!
const memberId = parseId('mem', 'mem_01jd3k5t9vexqa7w2m8zr4c6hs')!
const keyId = parseId('key', 'key_01jd3k5t9vexqa7w2m8zr4c6hs')!

const key = (role: Role, ofPlatform = false): Caller => ({
  kind: 'api-key',
  keyId,
  keyName: 'ci',
  role,
  ...(!ofPlatform && { organizationId: acme }),
})
const person = (role?: Role, staff?: Staff): PersonCaller => {
  const membership = (role: Role): Membership => ({ memberId, slug: 'acme', role })
  return {
    kind: 'person',
    email: 'ada@example.com',
    sessionId: 'ses_1',
    provenAtMs: 0,
    memberships: new Map(role ? [[acme, membership(role)]] : []),
    ...(staff && { staff }),
  }
}
const impersonating = (role: Role): PersonCaller => ({
  ...person(undefined, 'support'),
  impersonation: {
    organizationId: acme,
    memberId,
    slug: 'acme',
    role,
    email: 'bob@example.com',
    reason: 'a test',
    endsAt: new Date(),
  },
})

const fitsRole: Readonly<Record<Role, readonly Right[]>> = {
  owner: ['read', 'operate', 'administer', 'own'],
  admin: ['read', 'operate', 'administer'],
  developer: ['read', 'operate'],
  viewer: ['read'],
}

/** Rights that a caller has, by asking for each: in acme, in globex, on the platform. */
function asked(caller: Caller, writes: boolean) {
  const has = (right: Right, id?: typeof acme) => {
    try {
      requireRight(caller, { right, ...(id && { organization: { id } }), writes })
      return true
    } catch {
      return false
    }
  }
  const ofPlatform = rights.filter(right => right.startsWith('platform'))
  const ofOrganization = rights.filter(right => !right.startsWith('platform'))
  return {
    acme: ofOrganization.filter(right => has(right, acme)),
    globex: ofOrganization.filter(right => has(right, globex)),
    platform: ofPlatform.filter(right => has(right)),
  }
}

describe.each([true, false])('writing: %s', writes => {
  test.each(roles)('a %s of one organization has that role there and nothing elsewhere', role => {
    const wanted = { acme: fitsRole[role], globex: [], platform: [] }
    expect(asked(key(role), writes)).toEqual(wanted)
    expect(asked(person(role), writes)).toEqual(wanted)
  })

  test.each(roles)('a key of the platform of the role %s has it everywhere', role => {
    const platform = role === 'owner' ? ['platform-read', 'platform'] : ['platform-read']
    expect(asked(key(role, true), writes)).toEqual({
      acme: fitsRole[role],
      globex: fitsRole[role],
      platform,
    })
  })

  test('staff: superadmins may do all, support looks, and keeps what its own membership gives', () => {
    const all = fitsRole.owner
    expect(asked(person(undefined, 'superadmin'), writes)).toEqual({
      acme: all,
      globex: all,
      platform: ['platform-read', 'platform'],
    })
    expect(asked(person('admin', 'support'), writes)).toEqual({
      acme: fitsRole.admin,
      globex: ['read'],
      platform: ['platform-read'],
    })
  })

  test('a person without a membership has nothing', () => {
    expect(asked(person(), writes)).toEqual({ acme: [], globex: [], platform: [] })
  })
})

test.each(roles)('whoever impersonates a %s sees as much, changes nothing, and sees nothing else', role => {
  expect(asked(impersonating(role), false)).toEqual({ acme: fitsRole[role], globex: [], platform: [] })
  expect(asked(impersonating(role), true)).toEqual({ acme: [], globex: [], platform: [] })
})
