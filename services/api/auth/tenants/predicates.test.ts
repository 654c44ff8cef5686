import { parseId } from '@fairlead/webhook/id'
import { expect, test } from 'vitest'
import type { Caller, PersonCaller } from '../../caller.ts'
import type { Role } from '../../role.ts'
import { isAdmin, isAuthenticatedTenant, isLiveMode, isOwner, isTestMode } from './predicates.ts'

const acme = parseId('org', 'org_01jd3k5t9vexqa7w2m8zr4c6hs')!
const globex = parseId('org', 'org_01jd3k5t9vexqa7w2m8zr4c6ht')!
const memberId = parseId('mem', 'mem_01jd3k5t9vexqa7w2m8zr4c6hs')!
const keyId = parseId('key', 'key_01jd3k5t9vexqa7w2m8zr4c6hs')!

const person = (role?: Role, more: Partial<PersonCaller> = {}): Caller => ({
  kind: 'person',
  email: 'ada@example.com',
  sessionId: 'ses_1',
  provenAtMs: 0,
  memberships: new Map(role ? [[acme, { memberId, slug: 'acme', role }]] : []),
  ...more,
})
const key = (role: Role, mode?: 'live' | 'test', ofPlatform = false): Caller => ({
  kind: 'api-key',
  keyId,
  keyName: 'ci',
  role,
  ...(!ofPlatform && { organizationId: acme }),
  ...(mode && { mode }),
})
const impersonation = {
  organizationId: acme,
  memberId,
  slug: 'acme',
  role: 'owner' as const,
  email: 'bob@example.com',
  reason: 'a test',
  endsAt: new Date(),
}

test.each([
  ['an owner', person('owner'), 'tenant owner admin live'],
  ['an admin', person('admin'), 'tenant admin live'],
  ['a developer', person('developer'), 'tenant live'],
  ['a viewer', person('viewer'), 'tenant live'],
  ['somebody without an organization', person(), 'live'],
  [
    'support that looks as an owner',
    person(undefined, { staff: 'support', impersonation }),
    'owner admin live',
  ],
  ['a live key of an owner', key('owner', 'live'), 'tenant owner admin live'],
  ['a test key of an owner', key('owner', 'test'), 'tenant owner admin test'],
  ['a live key of a developer', key('developer', 'live'), 'tenant live'],
  ['a key of the platform', key('owner', undefined, true), 'owner admin live'],
])('%s is: %s', (_who, caller, wanted) => {
  const organization = { id: acme }
  const held = [
    isAuthenticatedTenant(caller) && 'tenant',
    isOwner(caller, organization) && 'owner',
    isAdmin(caller, organization) && 'admin',
    isTestMode(caller) && 'test',
    isLiveMode(caller) && 'live',
  ]
  expect(held.filter(Boolean).join(' ')).toBe(wanted)
})

test('an owner of one organization is nothing in another', () => {
  for (const caller of [person('owner'), key('owner', 'live')]) {
    expect([isOwner(caller, { id: globex }), isAdmin(caller, { id: globex })]).toEqual([false, false])
  }
})
