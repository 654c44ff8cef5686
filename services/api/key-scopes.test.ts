import { parseId } from '@fairlead/webhook/id'
import { describe, expect, test } from 'vitest'
import type { Caller } from './caller.ts'
import { operations } from './operations.ts'
import { rightsIn } from './rights.ts'
import { roles } from './role.ts'
import { readScopes, scopes } from './scope.ts'
import { requireMayGive, requireScope, requireWithin, scopeOf, scopesOfRole } from './scopes.ts'

const keyId = parseId('key', 'key_01jd3k5t9vexqa7w2m8zr4c6hs')!
const key = (...own: readonly string[]): Caller => ({
  kind: 'api-key',
  keyId,
  keyName: 'ci',
  role: 'owner',
  ...(own.length > 0 && { scopes: readScopes(own)! }),
})
const passes = (ask: () => void): boolean => {
  try {
    ask()
    return true
  } catch {
    return false
  }
}

describe.each(operations)('$name', operation => {
  test('takes a key without scopes, and of those with one scope only that of its own', () => {
    expect(passes(() => requireScope(key(), operation))).toBe(true)
    const good = scopes.filter(scope => passes(() => requireScope(key(scope), operation)))
    expect(good).toEqual([scopeOf(operation)])
    expect(passes(() => requireScope(key(...scopes), operation))).toBe(true)
  })
})

test('a key that may read settings alone is not shown events by the preview of a route', () => {
  const preview = operations.find(({ name }) => name === 'previewRoute')!
  expect(passes(() => requireScope(key('settings:read'), preview))).toBe(false)
  expect(passes(() => requireScope(key('events:read'), preview))).toBe(true)
})

test('every scope is good for an operation', () => {
  expect(new Set(operations.map(scopeOf))).toEqual(new Set(scopes))
})

test('a key whose scopes a newer version made may do nothing here, rather than everything', () => {
  const newer = key('bodies:read')
  for (const operation of operations) expect(passes(() => requireScope(newer, operation))).toBe(false)
})

test('nobody makes a key above their own role or scopes', () => {
  const makes = (
    caller: Caller,
    role: (typeof roles)[number],
    of: (typeof roles)[number],
    own: string[] | null,
  ) => passes(() => requireWithin(caller, role, { role: of, scopes: own, endsAt: null }))
  for (const [i, role] of roles.entries()) {
    for (const [j, of] of roles.entries()) expect(makes(key(), role, of, null)).toBe(i <= j)
  }
  const narrow = key('keys:write', 'events:read')
  expect(makes(narrow, 'owner', 'viewer', null)).toBe(false)
  expect(makes(narrow, 'owner', 'viewer', ['events:read', 'events:retry'])).toBe(false)
  expect(makes(narrow, 'owner', 'viewer', ['events:read'])).toBe(true)
  expect(makes(narrow, 'viewer', 'admin', ['events:read'])).toBe(false)
})

describe.each(roles)('a key that gives the role %s', role => {
  const organizationId = parseId('org', 'org_01jd3k5t9vexqa7w2m8zr4c6hs')!
  const rights = rightsIn(
    { kind: 'api-key', keyId, keyName: 'ci', role, organizationId },
    { id: organizationId },
  )
  const inOrganizations = operations.filter(
    ({ path, access }) => path.includes('{slug}') && rights.includes(access),
  )
  const needed = new Set(inOrganizations.map(scopeOf))

  test('has no fewer scopes than the role has use for, and needs no more', () => {
    expect(new Set(scopesOfRole(role))).toEqual(needed)
    expect(passes(() => requireMayGive(key(...needed), role))).toBe(true)
    expect(passes(() => requireMayGive(key(), role))).toBe(true)
  })

  test.each([...needed])('may not without %s', scope => {
    const others = [...scopes].filter(other => other !== scope)
    expect(passes(() => requireMayGive(key(...others), role))).toBe(false)
  })
})
