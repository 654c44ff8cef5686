import { z } from 'zod'
import { conditionList } from '../condition.ts'
import { conditionReasons, conditionTypes } from './condition-types.ts'

/** The status of an Organization: part of its CRD, and the type that `status.ts` fills. */

const time = (description: string) => z.string().optional().meta({ description, format: 'date-time' })

const source = z
  .strictObject({
    name: z.string().describe('Its name.'),
    url: z.string().describe('Where the provider posts to.'),
    lastEventAt: time('When it last accepted an event.'),
    secrets: z
      .array(
        z.strictObject({
          id: z.string().describe('Name of the Secret, a slash, and the key in it.'),
          lastMatchedAt: time(
            'When a webhook was last verified with it; an old secret that matches no more can be taken out.',
          ),
          message: z
            .string()
            .optional()
            .describe('Says when it is safe to take it out: another one has matched since, for days.'),
        }),
      )
      .meta({
        description: 'Its secrets.',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['id'],
      }),
  })
  .describe('A source.')

const destination = z
  .strictObject({
    name: z.string().describe('Its name.'),
    state: z
      .enum(['Healthy', 'Failing', 'Paused'])
      .describe('Failing: the last attempt failed. Paused: it gets nothing, and what is for it waits.'),
    pauseReason: z
      .enum(['Declared', 'Asked', 'Gone', 'Failing'])
      .optional()
      .describe(
        'Why it is paused. Declared: by spec. Asked: by a member. Gone: it answered 410. Failing: every attempt failed for five days.',
      ),
    pausedSince: time('Since when it is paused, other than by spec.'),
    waiting: z.int().min(0).describe('Deliveries that have not ended.'),
    deadLetters: z.int().min(0).describe('Deliveries that used up their attempts.'),
    lastError: z.string().optional().describe('HTTP status or outcome of the last attempt, if that failed.'),
    failingSince: time('Since when every attempt has failed.'),
  })
  .describe('A destination.')

const objective = z
  .strictObject({
    name: z.enum(['freshness', 'delivery']).describe('Which of spec.slo.'),
    target: z.string().describe('The part that is to be good, such as 99%.'),
    budgetLeft: z
      .string()
      .describe('What is left of what may be bad in 30 days, such as 97%. Below 0% the objective is missed.'),
    lastMovedAt: z
      .string()
      .describe('When budgetLeft was last written: for a change of 1 % and more, every five minutes at most.')
      .meta({ format: 'date-time' }),
  })
  .describe('An objective of this organization.')

const byName = { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] }

export const statusSchema = z
  .strictObject({
    observedGeneration: z.int().min(0).describe('The generation of the resource that was last looked at.'),
    conditions: conditionList(
      conditionTypes,
      conditionReasons,
      'What it is about; Ready sums up whether everything declared is in force.',
    ),
    organizationId: z.string().optional().describe('Its id in the platform, org_…'),
    secretName: z
      .string()
      .optional()
      .describe('Name of the Secret with the URLs, the API key and the signing keys.'),
    summary: z
      .strictObject({
        sources: z.string().describe('Sources that are in force, of all.'),
        destinations: z.string().describe('Destinations that are not failing, of all.'),
      })
      .optional()
      .describe('For people: healthy/all.'),
    waiting: z.int().min(0).optional().describe('Deliveries that have not ended, of all destinations.'),
    lastEventAt: time('When an event was last accepted.'),
    budgetLeft: z
      .string()
      .optional()
      .describe(
        'What is left of the budget of 30 days of spec.slo, such as 97%: of the objective with the least.',
      ),
    objectives: z
      .array(objective)
      .optional()
      .meta({ description: 'The objectives of spec.slo.', ...byName }),
    sources: z
      .array(source)
      .optional()
      .meta({ description: 'Sources, also those that tenants made.', ...byName }),
    destinations: z
      .array(destination)
      .optional()
      .meta({ description: 'Destinations, also those that tenants made.', ...byName }),
  })
  .describe('What the operator found. Written by the operator alone.')

export type OrganizationStatus = z.output<typeof statusSchema>
export type SourceStatus = NonNullable<OrganizationStatus['sources']>[number]
export type ObjectiveStatus = NonNullable<OrganizationStatus['objectives']>[number]
export type DestinationStatus = NonNullable<OrganizationStatus['destinations']>[number]
