import type { Redis } from 'ioredis'
import { loadCommonPasswords } from './common-passwords.ts'
import { type Delays, openDelays } from './delays.ts'
import { openPasswordDigests, type PasswordDigests } from './password-digests.ts'
import { openRegistrations, type Registrations } from './registrations.ts'

/** What accounts with passwords need; absent where the platform has none (FAIRLEAD_TENANT_ACCOUNTS). */
export interface TenantAccounts {
  readonly digests: PasswordDigests
  readonly delays: Delays
  readonly registrations: Registrations
  /** Passwords that others try first, in lower case. */
  readonly common: ReadonlySet<string>
  /** Events a month that a registered organization may accept. */
  readonly webhookLimit: number
}

export async function openTenantAccounts(redis: Redis, webhookLimit: number): Promise<TenantAccounts> {
  return {
    digests: openPasswordDigests(),
    delays: openDelays(redis),
    registrations: openRegistrations(redis),
    common: await loadCommonPasswords(),
    webhookLimit,
  }
}
