import { apiVersion } from '@fairlead/wire/declared/organization-settings'
import { column, customResource, type Json } from '../crd-schema.ts'
import { organizationSchema } from './schema.ts'
import { statusSchema } from './status-schema.ts'

/** The CustomResourceDefinition of Organization, made from the schema that files are checked with. */
export function organizationCrd(): Json {
  return customResource({
    kind: 'Organization',
    plural: 'organizations',
    singular: 'organization',
    shortNames: ['org', 'orgs'],
    schema: organizationSchema,
    status: statusSchema,
    defaultSpec: defaultSpec(),
    columns: [
      column(
        'Ready',
        'string',
        '.status.conditions[?(@.type=="Ready")].status',
        'Whether everything declared is in force',
      ),
      column('Reason', 'string', '.status.conditions[?(@.type=="Ready")].reason', 'Why, in one word', 1),
      column('Slug', 'string', '.spec.slug', 'Part of the webhook URLs', 1),
      column('Sources', 'string', '.status.summary.sources', 'Sources that are in force, of all'),
      column(
        'Destinations',
        'string',
        '.status.summary.destinations',
        'Destinations that are not failing, of all',
      ),
      column('Waiting', 'integer', '.status.waiting', 'Deliveries that have not ended'),
      column('Budget', 'string', '.status.budgetLeft', 'What is left of the budget of spec.slo, of 30 days'),
      column('Last event', 'date', '.status.lastEventAt', 'When an event was last accepted'),
      column('Age', 'date', '.metadata.creationTimestamp', 'Since when it is there'),
    ],
  })
}

/** Rules are tried on a default as it stands, so it says what the defaults inside of it would. */
function defaultSpec(): Json {
  const bare = { apiVersion, kind: 'Organization', metadata: { name: 'bare' } }
  return JSON.parse(JSON.stringify(organizationSchema.parse(bare).spec)) as Json
}
