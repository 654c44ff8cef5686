import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { StripeVersion } from './stripe-versions.ts'
import type { Json } from './stripe-world.ts'

/**
 * Stripe's own OpenAPI document of each version that lives are rendered in. Stripe publishes it within its mock server, a Go module (MIT):
 * https://github.com/stripe/stripe-mock. Packages of npm carry types alone.
 */
const mockVersions: Readonly<Record<StripeVersion, string>> = {
  '2022-11-15': 'v0.162.0',
  '2026-08-26.dahlia': 'v0.203.0',
}

export interface StripeSchemas {
  /** What is wrong with an object, such as `/items/data/0/price is missing`; empty: nothing. */
  faultsOf(schema: string, object: unknown): string[]
  has(schema: string): boolean
}

/** Undefined where there is neither Go nor a copy of the module. @throws Error where the module is of another version */
export async function readStripeSchemas(version: StripeVersion): Promise<StripeSchemas | undefined> {
  const folder = await moduleFolder(mockVersions[version])
  if (folder === undefined) return undefined
  const text = await readFile(join(folder, 'embedded', 'openapi', 'spec3.json'), 'utf8')
  const spec = JSON.parse(text) as { info: { version: string }; components: { schemas: Schemas } }
  if (spec.info.version !== version) throw new Error(`the document is of ${spec.info.version}`)
  const { schemas } = spec.components
  return {
    has: schema => schema in schemas,
    faultsOf: (schema, object) => faultsIn(object, { $ref: `#/components/schemas/${schema}` }, schemas, ''),
  }
}

async function moduleFolder(version: string): Promise<string | undefined> {
  const of = `github.com/stripe/stripe-mock@${version}`
  const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '' }
  return await promisify(execFile)('go', ['mod', 'download', '-json', of], { cwd: '/', env }).then(
    ({ stdout }) => (JSON.parse(stdout) as { Dir: string }).Dir,
    () => undefined,
  )
}

/** What Stripe's document says of a value: these words of OpenAPI 3.0, and no other that limits one. */
interface Schema {
  readonly $ref?: string
  readonly nullable?: boolean
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object'
  readonly enum?: readonly unknown[]
  readonly maxLength?: number
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
  readonly 'x-expansionResources'?: unknown
}

type Schemas = Readonly<Record<string, Schema>>

function faultsIn(value: unknown, schema: Schema, schemas: Schemas, at: string): string[] {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1)!
    const named = schemas[name]
    if (!named) throw new TypeError(`the document has no ${name}`)
    return faultsIn(value, named, schemas, at)
  }
  if (value === null && schema.nullable === true) return []
  // What may be expanded is an id: events expand nothing.
  if (schema['x-expansionResources'] !== undefined) return typeof value === 'string' ? [] : [`${at} is no id`]
  if (schema.anyOf) {
    const fitting = schema.anyOf.map(one => faultsIn(value, one, schemas, at))
    return fitting.some(faults => faults.length === 0)
      ? []
      : [`${at} fits none of several`, ...fitting.flat()]
  }
  if (schema.type !== undefined && !isOfType(value, schema.type)) return [`${at} is no ${schema.type}`]
  if (schema.enum && !schema.enum.includes(value)) return [`${at} is not one of ${schema.enum.join(', ')}`]
  if (typeof value === 'string' && value.length > (schema.maxLength ?? Number.POSITIVE_INFINITY))
    return [`${at} is longer than ${schema.maxLength}`]
  if (Array.isArray(value))
    return value.flatMap((part, index) => faultsIn(part, schema.items ?? {}, schemas, `${at}/${index}`))
  return typeof value === 'object' && value !== null ? faultsInParts(value as Json, schema, schemas, at) : []
}

function faultsInParts(
  value: Json,
  { required = [], properties = {}, additionalProperties: others }: Schema,
  schemas: Schemas,
  at: string,
): string[] {
  const missing = required.filter(name => !(name in value)).map(name => `${at}/${name} is missing`)
  const parts = Object.entries(value).flatMap(([name, part]) => {
    const schema = properties[name] ?? (typeof others === 'object' ? others : {})
    return faultsIn(part, schema, schemas, `${at}/${name}`)
  })
  return [...missing, ...parts]
}

function isOfType(value: unknown, type: NonNullable<Schema['type']>): boolean {
  switch (type) {
    case 'string':
    case 'boolean':
    case 'number':
      return typeof value === type
    case 'integer':
      return Number.isInteger(value)
    case 'array':
      return Array.isArray(value)
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
    default:
      return type satisfies never
  }
}
