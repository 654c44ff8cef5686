import { type Organization, OwnerKind } from '@fairlead/wire/store/organization'
import { z } from 'zod'
import { presentRateLimit, rateLimitSchema } from './managed.ts'
import { settingFields } from './setting.ts'
import { presentTimeOf, timeText } from './time.ts'

export const organizationSchema = z
  .object({
    id: z.string(),
    slug: z.string().meta({ example: 'acme' }),
    displayName: z.string().meta({ example: 'Acme Corp' }),
    plan: z.string().meta({ example: 'pro' }),
    active: z.boolean().meta({ description: 'False: its webhooks are refused.' }),
    webhookLimit: z.int().nullable().meta({ description: 'Events a calendar month (UTC); null: no limit.' }),
    acceptedThisMonth: z.int(),
    quotaExceeded: z.boolean(),
    retentionDays: z.int(),
    weight: z.int().meta({ description: 'Its part of what organizations share under load, 1 to 100.' }),
    rateLimit: rateLimitSchema,
    ledger: z
      .object({ enabled: z.boolean() })
      .meta({ description: 'Whether events of its payment providers also go into the ledger.' }),
    owner: z
      .object({ kind: z.enum(['kubernetes', 'file', 'api']), reference: z.string() })
      .meta({ description: 'Where it is declared.' }),
    ...settingFields,
    createdAt: timeText,
    updatedAt: timeText,
  })
  .meta({ id: 'Organization' })

/** As PUT takes it. */
export function declaredOf(organization: Organization): Record<string, unknown> {
  const { displayName, plan, webhookLimit, weight, active, retentionDays, rateLimit } = organization
  return {
    displayName,
    plan,
    ...(webhookLimit !== undefined && { webhookLimit: Number(webhookLimit) }),
    weight,
    active,
    retentionDays,
    ...(rateLimit && { rateLimit: { perSecond: rateLimit.perSecond, burst: rateLimit.burst } }),
    ledger: { enabled: organization.ledgerEnabled },
  }
}

export function presentOrganization(organization: Organization): z.input<typeof organizationSchema> {
  const { webhookLimit, owner } = organization
  return {
    id: organization.id,
    slug: organization.slug,
    displayName: organization.displayName,
    plan: organization.plan,
    active: organization.active,
    webhookLimit: webhookLimit === undefined ? null : Number(webhookLimit),
    acceptedThisMonth: Number(organization.acceptedThisMonth),
    quotaExceeded: organization.quotaExceeded,
    retentionDays: organization.retentionDays,
    weight: organization.weight,
    rateLimit: presentRateLimit(organization.rateLimit),
    ledger: { enabled: organization.ledgerEnabled },
    owner: { kind: presentOwnerKind(owner?.kind), reference: owner?.reference ?? '' },
    settings: declaredOf(organization),
    etag: organization.etag,
    createdAt: presentTimeOf(organization.createdAt),
    updatedAt: presentTimeOf(organization.updatedAt),
  }
}

function presentOwnerKind(kind: OwnerKind | undefined): 'kubernetes' | 'file' | 'api' {
  switch (kind) {
    case OwnerKind.KUBERNETES:
      return 'kubernetes'
    case OwnerKind.FILE:
      return 'file'
    default:
      return 'api'
  }
}
