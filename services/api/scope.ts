/** What a key may be narrowed to. A closed list: `scopes.ts` says which operations need which. */
export const scopes = [
  'organizations:read',
  'organizations:write',
  'events:read',
  'events:retry',
  'billing:read',
  'billing:write',
  'rejections:read',
  'rejections:write',
  'settings:read',
  'settings:write',
  'keys:read',
  'keys:write',
  'members:read',
  'members:write',
  'audit:read',
] as const
export type Scope = (typeof scopes)[number]

const isScope = (text: string): text is Scope => scopes.some(scope => scope === text)

/** The scopes of a key that this process knows; undefined: the key has none, and all that its role may do. */
export function readScopes(texts: readonly string[]): ReadonlySet<Scope> | undefined {
  // A scope of a newer version is left out; a key is never widened by it.
  return texts.length === 0 ? undefined : new Set(texts.filter(isScope))
}
