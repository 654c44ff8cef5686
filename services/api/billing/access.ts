import { accessAt } from '@fairlead/ledger/project/access'
import type { Grant } from '@fairlead/ledger/rows'
import { z } from 'zod'
import { type Operation, operation } from '../operation.ts'
import { timeText } from '../time.ts'
import { ownParams, rowParams, whichQuery } from './details.ts'
import { headSchema, time } from './schemas.ts'

const grantSchema = z
  .object({
    subscription: z.string(),
    item: z.string(),
    plan: z.string().nullable(),
    product: z.string().nullable(),
    quantity: z.number().nullable(),
    status: z.string().meta({ description: "The subscription's state.", example: 'active' }),
    from: timeText.nullable(),
    until: timeText.nullable().meta({ description: 'Exclusive; null: the provider told no end.' }),
    ends: z.boolean().meta({ description: 'True: it ends then for good, instead of being renewed.' }),
    holds: z.boolean().meta({ description: 'Whether it may be used now.' }),
  })
  .meta({ id: 'BillingGrant' })

const accessSchema = z
  .object({ ...headSchema, at: timeText, hasAccess: z.boolean(), grants: z.array(grantSchema) })
  .meta({ id: 'BillingAccess' })

/** What may this customer use now? */
export function accessOf(own?: string): Operation {
  return operation({
    method: 'get',
    path: `${own ?? '/api/v1/organizations/{slug}/billing/customers'}/{id}/access`,
    name: own ? 'getOwnCustomerAccess' : 'getCustomerAccess',
    tag: 'Billing',
    summary: 'What a customer may use now',
    description:
      'One row, read by its key, and decided at this moment: a period that will be renewed goes on for a day, because the event of its renewal may come late; one that ends gives nothing after its end, whether or not its event has come. `hasAccess` is whether any grant holds.',
    access: 'read',
    ...(own && { ofOwnOrganization: true }),
    params: own ? ownParams : rowParams,
    query: whichQuery,
    status: 200,
    answerDescription: 'The grants.',
    answer: accessSchema,
    problems: [],
    async handle({ store, organization, params, query, signal }) {
      const found = await store.ledger.getLedgerAccess(
        {
          organizationId: organization.id,
          customer: params.id,
          provider: query.provider ?? '',
          ...(query.account !== undefined && { account: query.account }),
        },
        { signal },
      )
      const nowMs = Date.now()
      const given = found.grants as unknown as readonly Grant[]
      const holding = new Set(accessAt(given, nowMs))
      const grants = given.map(grant => presentGrant(grant, holding.has(grant)))
      return {
        provider: found.provider as 'stripe' | 'paypal' | 'shopify',
        account: found.account,
        mode: found.mode === 'test' ? ('test' as const) : ('live' as const),
        id: params.id,
        at: new Date(nowMs).toISOString(),
        hasAccess: grants.some(({ holds }) => holds),
        grants,
      }
    },
  })
}

function presentGrant(grant: Grant, holds: boolean): z.input<typeof grantSchema> {
  const { subscription, item, plan, product, quantity, status, fromAt, untilAt, ends } = grant
  return {
    subscription,
    item,
    plan,
    product,
    quantity,
    status,
    from: time(fromAt),
    until: time(untilAt),
    ends,
    holds,
  }
}
