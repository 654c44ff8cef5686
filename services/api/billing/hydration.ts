import type { HydrationKeys } from '@fairlead/wire/store/ledger'
import { z } from 'zod'
import { DryRun, dryRunQuery } from '../dry-run.ts'
import { operation } from '../operation.ts'
import { noQuery, organizationParams, plainText } from '../query.ts'
import { orExplained, settingFields, settingProblems } from '../setting.ts'

const sourceName = plainText(63).meta({ description: 'The name of a source of Stripe.', example: 'stripe' })

const keysSchema = z
  .object({
    keys: z.array(
      z.object({
        source: z.string().meta({ example: 'stripe' }),
        mode: z
          .enum(['live', 'test'])
          .nullable()
          .meta({ description: 'Which of Stripe’s data it reads; null: it doesn’t say.' }),
        managedBy: z.enum(['owner', 'tenant']).meta({
          description:
            '`owner`: the resource or file of the organization declares it; `tenant`: it was entered here.',
        }),
      }),
    ),
    etag: settingFields.etag,
  })
  .meta({
    id: 'HydrationKeys',
    description:
      'Sources with a key by which the ledger fetches from Stripe what their events leave out: lists cut at ten, and the objects of thin events. A key is never told.',
  })

const path = '/api/v1/organizations/{slug}/billing/hydration-keys'

export const getHydrationKeys = operation({
  method: 'get',
  path,
  name: 'getHydrationKeys',
  tag: 'Billing',
  summary: 'The sources whose events are completed from Stripe',
  access: 'read',
  versioned: true,
  params: organizationParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The sources.',
  answer: keysSchema,
  problems: [],
  async handle({ store, organization, signal }) {
    const asked = { organizationId: organization.id }
    return present((await store.ledger.getHydrationKeys(asked, { signal })).keys)
  },
})

export const putHydrationKeys = operation({
  method: 'put',
  path,
  name: 'putHydrationKeys',
  tag: 'Billing',
  summary: 'Enter keys by which events are completed from Stripe',
  description:
    'Replaces the keys that were entered here; those that a resource or file declares stay. Events that came before are not asked for: the next event of an object completes it.',
  access: 'administer',
  versioned: true,
  params: organizationParams,
  query: dryRunQuery,
  body: z
    .strictObject({
      keys: z
        .array(
          z.strictObject({
            source: sourceName,
            key: z
              .string()
              .regex(/^rk_(live|test)_[\w-]{1,500}$/, 'a restricted key of Stripe: rk_live_… or rk_test_…')
              .optional()
              .meta({
                description:
                  'A restricted key (`rk_live_…`, `rk_test_…`) that may read billing objects. Left out, the stored one stays.',
                example: 'rk_test_0123456789abcdef',
              }),
          }),
        )
        .max(100),
    })
    .meta({ id: 'HydrationKeySettings' }),
  status: 200,
  answerDescription: 'The sources.',
  answer: keysSchema,
  problems: settingProblems,
  async handle({ store, organization, query, body, precondition, change, write, signal }) {
    const dryRun = query.dryRun ?? false
    const keys = body.keys.map(({ source, key = '' }) => ({ source, key }))
    const asked = { organizationId: organization.id, keys, precondition, dryRun, change }
    const { keys: written, changes } = await orExplained(store.ledger.putHydrationKeys(asked, write), {
      organization,
      spec: () => ({
        ledger: {
          hydrate: body.keys.map(({ source }) => ({
            source,
            secretRef: { name: source, key: 'restricted-key' },
          })),
        },
      }),
      current: async () => {
        const known = await store.ledger.getHydrationKeys({ organizationId: organization.id }, { signal })
        return present(known.keys)
      },
    })
    return dryRun ? new DryRun(present(written), changes) : present(written)
  },
})

function present(keys: HydrationKeys | undefined): z.input<typeof keysSchema> {
  if (!keys) throw new TypeError('the store answered without the keys')
  return {
    keys: keys.keys.map(({ source, mode, managedBy }) => ({
      source,
      mode: mode === 'live' || mode === 'test' ? mode : null,
      managedBy: managedBy === 'owner' ? 'owner' : 'tenant',
    })),
    etag: keys.etag,
  }
}
