import { z } from 'zod'

/** CustomResourceDefinitions made from zod schemas; `write-crds.ts` writes them to the chart, and a test compares. */

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json | undefined }

export interface CustomResource {
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  /** The whole resource, metadata and spec included. */
  readonly schema: z.ZodType
  readonly status: z.ZodType
  /** The default of a spec that is left out; absent: the spec is required. */
  readonly defaultSpec?: Json
  readonly columns: readonly Json[]
}

/** Columns of `kubectl get`; those of a priority above 0 only with `-o wide`. */
export function column(
  name: string,
  type: 'string' | 'integer' | 'date' | 'boolean',
  jsonPath: string,
  description: string,
  priority = 0,
): Json {
  return { name, type, jsonPath, description, ...(priority > 0 ? { priority } : {}) }
}

/** The CRD of one kind: structural, with its CEL rules, list keys and defaults. */
export function customResource({
  kind,
  schema,
  status,
  defaultSpec,
  columns,
  ...names
}: CustomResource): Json {
  const root = structural(schema) as { [key: string]: Json } & { properties: { [key: string]: Json } }
  const spec = root.properties.spec as object
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${names.plural}.fairlead.dev` },
    spec: {
      group: 'fairlead.dev',
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, ...names, categories: ['fairlead'] },
      // One version: another one is added to the list, and a webhook then converts (strategy: Webhook).
      conversion: { strategy: 'None' },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: {
            openAPIV3Schema: {
              ...root,
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                // The API server's own; rules at the root may read metadata.name.
                metadata: { type: 'object' },
                spec: defaultSpec === undefined ? (spec as Json) : { ...spec, default: defaultSpec },
                status: structural(status),
              },
            },
          },
        },
      ],
    },
  }
}

/** A zod schema as a structural schema: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema */
function structural(schema: z.ZodType): Json {
  return simplify(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline' }) as Json)
}

/**
 * Takes out parts that a structural schema must not have: `additionalProperties: false` beside `properties` (unknown fields
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
