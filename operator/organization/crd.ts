import { z } from 'zod'
import { apiVersion, organizationSchema } from './schema.ts'
import { statusSchema } from './status-schema.ts'

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined }

/**
 * The CustomResourceDefinition of Organization, made from the schema that files are checked with: structural, with
 * its CEL rules, list keys and defaults. `write-crds.ts` writes it to the chart; a test compares.
 */
export function organizationCrd(): Json {
  const root = structural(organizationSchema) as { [key: string]: Json } & {
    properties: { [key: string]: Json }
  }
  const column = (name: string, type: string, jsonPath: string, description: string, priority = 0): Json => ({
    name,
    type,
    jsonPath,
    description,
    ...(priority > 0 ? { priority } : {}),
  })
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'organizations.fairlead.dev' },
    spec: {
      group: 'fairlead.dev',
      scope: 'Namespaced',
      names: {
        kind: 'Organization',
        listKind: 'OrganizationList',
        plural: 'organizations',
        singular: 'organization',
        shortNames: ['org', 'orgs'],
        categories: ['fairlead'],
      },
      // One version: another one is added to the list, and a webhook then converts (strategy: Webhook).
      conversion: { strategy: 'None' },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [
            column(
              'Ready',
              'string',
              '.status.conditions[?(@.type=="Ready")].status',
              'Whether everything declared is in force',
            ),
            column(
              'Reason',
              'string',
              '.status.conditions[?(@.type=="Ready")].reason',
              'Why, in one word',
              1,
            ),
            column('Slug', 'string', '.spec.slug', 'Part of the webhook URLs', 1),
            column('Sources', 'string', '.status.summary.sources', 'Sources that are in force, of all'),
            column(
              'Destinations',
              'string',
              '.status.summary.destinations',
              'Destinations that are not failing, of all',
            ),
            column('Waiting', 'integer', '.status.waiting', 'Deliveries that have not ended'),
            column('Last event', 'date', '.status.lastEventAt', 'When an event was last accepted'),
            column('Age', 'date', '.metadata.creationTimestamp', 'Since when it is there'),
          ],
          schema: {
            openAPIV3Schema: {
              ...root,
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                // The API server's own; rules at the root may read metadata.name.
                metadata: { type: 'object' },
                spec: { ...(root.properties.spec as object), default: defaultSpec() },
                status: structural(statusSchema),
              },
            },
          },
        },
      ],
    },
  }
}

/** Rules are tried on a default as it stands, so it says what the defaults inside of it would. */
function defaultSpec(): Json {
  const bare = { apiVersion, kind: 'Organization', metadata: { name: 'bare' } }
  return JSON.parse(JSON.stringify(organizationSchema.parse(bare).spec)) as Json
}

/** A zod schema as a structural schema: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema */
function structural(schema: z.ZodType): Json {
  return simplify(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline' }) as Json)
}

/**
 * Takes out what a structural schema must not have: `additionalProperties: false` beside `properties` (unknown fields
 * are pruned or refused by the API server itself), and bounds that only say "a safe integer".
 */
function simplify(value: Json): Json {
  if (Array.isArray(value)) return value.map(simplify)
  if (typeof value !== 'object' || value === null) return value
  const fields = value as { readonly [key: string]: Json | undefined }
  const isProperties = !('type' in fields) || typeof fields.type === 'object'
  const kept = Object.entries(fields).filter(([name, field]) => {
    if (field === undefined || name === '$schema') return false
    if (isProperties) return true
    if (name === 'additionalProperties') return field !== false && !isEmpty(field)
    return !(
      (name === 'maximum' || name === 'minimum') &&
      Math.abs(Number(field)) === Number.MAX_SAFE_INTEGER
    )
  })
  return Object.fromEntries(kept.map(([name, field]) => [name, simplify(field as Json)]))
}

function isEmpty(value: Json): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
