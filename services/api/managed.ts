import { ManagedBy } from '@fairlead/wire/store/member'
import type { RateLimit } from '@fairlead/wire/store/source'
import { z } from 'zod'

/** What all settings say of themselves: who may change them. */
export const managedBy = z.enum(['owner', 'tenant']).meta({
  description:
    '`owner`: declared by the resource or file that declares the organization, and changed there. `tenant`: made here.',
})

export function presentManagedBy(by: ManagedBy): z.input<typeof managedBy> {
  return by === ManagedBy.TENANT ? 'tenant' : 'owner'
}

export const rateLimitSchema = z
  .object({ perSecond: z.number(), burst: z.int() })
  .nullable()
  .meta({ description: 'Null: no limit.' })

export function presentRateLimit(limit: RateLimit | undefined): z.input<typeof rateLimitSchema> {
  return limit ? { perSecond: limit.perSecond, burst: limit.burst } : null
}
