import type { Caller } from './caller.ts'
import { isWrite, type Operation, type Tag } from './operation.ts'
import { ApiError } from './problem.ts'
import { mayActAs, type Role, roles } from './role.ts'
import type { Scope } from './scope.ts'

/**
 * The one table of which scope an operation needs, by its tag and by whether it changes something. A key without scopes has all
 * that its role may do; a key with scopes has of its role what they name. Absent: no operation of that tag changes anything.
 */
const table: Readonly<Record<Tag, { readonly look: Scope; readonly change?: Scope }>> = {
  Organizations: { look: 'organizations:read', change: 'organizations:write' },
  Events: { look: 'events:read', change: 'events:retry' },
  Retries: { look: 'events:read', change: 'events:retry' },
  Issues: { look: 'events:read', change: 'events:retry' },
  Analytics: { look: 'events:read' },
  Billing: { look: 'billing:read', change: 'billing:write' },
  Deliveries: { look: 'events:read', change: 'events:retry' },
  'Dead letters': { look: 'events:read', change: 'events:retry' },
  Replays: { look: 'events:read', change: 'events:retry' },
  Rejections: { look: 'rejections:read', change: 'rejections:write' },
  Settings: { look: 'settings:read', change: 'settings:write' },
  'API keys': { look: 'keys:read', change: 'keys:write' },
  'Audit log': { look: 'audit:read' },
  // What it tells of is in no other scope's reach: keys with scopes have those of an organization.
  Platform: { look: 'organizations:read' },
  Members: { look: 'members:read', change: 'members:write' },
  // Operations about the caller: they change only what is a person's own, never a key's.
  'Tenant accounts': { look: 'organizations:read', change: 'organizations:write' },
  People: { look: 'organizations:read', change: 'organizations:write' },
}

/** Operations whose scope differs from that of their tag: the preview of a route shows events. */
const byName: Readonly<Record<string, Scope>> = { previewRoute: 'events:read' }

type Asked = Pick<Operation, 'tag' | 'name' | 'method' | 'changesNothing'>

/** The scope that a key with scopes needs for an operation. Throws a TypeError for one that the table leaves out. */
export function scopeOf(operation: Asked): Scope {
  const own = byName[operation.name]
  if (own) return own
  const { look, change } = table[operation.tag]
  if (!isWrite(operation)) return look
  if (!change) throw new TypeError(`${operation.tag} has no scope for changes`)
  return change
}

/** Throws an ApiError `forbidden` that names the scope. */
export function requireScope(caller: Caller, operation: Asked): void {
  if (caller.kind !== 'api-key' || !caller.scopes) return
  const scope = scopeOf(operation)
  if (caller.scopes.has(scope)) return
  throw new ApiError('forbidden', `This key lacks the scope ${scope}; it has: ${said(caller.scopes)}.`)
}

/**
 * Nobody may make a key, or be shown the text of a key, that can do more than its maker, or for longer. Throws an ApiError `forbidden`.
 *
 * @param role the caller's
 * @param key scopes null: all of its role; endsAt null: never
 */
export function requireWithin(
  caller: Caller,
  role: Role,
  key: { readonly role: Role; readonly scopes: readonly string[] | null; readonly endsAt: Date | null },
): void {
  if (!mayActAs(role, key.role)) {
    throw new ApiError('forbidden', `Whoever has the role ${role} makes no key that may do more.`)
  }
  if (caller.kind !== 'api-key') return
  const { endsAt } = caller
  if (endsAt && (!key.endsAt || key.endsAt > endsAt)) {
    const until = endsAt.toISOString()
    throw new ApiError(
      'forbidden',
      `This key ends at ${until}, and makes none that ends later: give an earlier \`expiresAt\`.`,
    )
  }
  if (!caller.scopes) return
  const own: ReadonlySet<string> = caller.scopes
  if (key.scopes?.every(scope => own.has(scope))) return
  throw new ApiError('forbidden', `This key makes none that may do more; its scopes are: ${said(own)}.`)
}

/**
 * What a role may do, by the scopes of its operations, beside what the roles below it may. A test compares it with the operations.
 */
const added: Readonly<Record<Role, readonly Scope[]>> = {
  viewer: [
    'organizations:read',
    'events:read',
    'billing:read',
    'rejections:read',
    'settings:read',
    'members:read',
  ],
  developer: ['events:retry', 'billing:write', 'rejections:write', 'settings:write'],
  admin: ['keys:read', 'keys:write', 'members:write', 'audit:read'],
  owner: [],
}

/** All scopes that somebody with a role has use for. */
export const scopesOfRole = (role: Role): readonly Scope[] =>
  roles.filter(other => mayActAs(role, other)).flatMap(other => added[other])

/**
 * A key with scopes gives nobody a role that may do more than the key: a person is bound by no scope. Throws an ApiError `forbidden`
 * that names what the key lacks.
 */
export function requireMayGive(caller: Caller, role: Role): void {
  if (caller.kind !== 'api-key' || !caller.scopes) return
  const own = caller.scopes
  const lacking = scopesOfRole(role).filter(scope => !own.has(scope))
  if (lacking.length === 0) return
  const what = `This key gives nobody the role ${role}, which may do more than the key.`
  throw new ApiError('forbidden', `${what} It lacks: ${lacking.join(', ')}.`)
}

const said = (scopes: ReadonlySet<string>): string => [...scopes].join(', ')
