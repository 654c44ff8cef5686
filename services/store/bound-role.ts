import type { ClientBase } from 'pg'
import { StoreError } from './store-error.ts'

/**
 * Row-level security doesn't bind superusers and roles with BYPASSRLS: as such a role a forgotten `where` would read
 * every tenant, so the store won't run. Throws a StoreError `role_unbound` that says what to do.
 */
export async function refuseUnboundRole(client: Pick<ClientBase, 'query'>): Promise<void> {
  const { rows } = await client.query<{ name: string; super: boolean; bypass: boolean }>(
    'select rolname as name, rolsuper as super, rolbypassrls as bypass from pg_roles where rolname = current_user',
  )
  const role = rows[0]!
  if (!role.super && !role.bypass) return
  throw new StoreError(
    'role_unbound',
    `the database role ${role.name} ${role.super ? 'is a superuser' : 'has BYPASSRLS'}, so row-level security ` +
      'would not keep tenants apart: connect as a role that owns the database and is neither ' +
      `("create role fairlead login password '…'; create database fairlead owner fairlead")`,
  )
}
