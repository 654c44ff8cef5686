import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'

/** One value of the chart that is set to something else than its default. */
export interface Switch {
  /** Such as `redis.enabled=false`, for `helm --set`. */
  readonly set: string
  readonly path: string
  readonly value: string
}

interface Schema {
  readonly $ref?: string
  readonly type?: unknown
  readonly enum?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly $defs?: Readonly<Record<string, Schema>>
}

/** Every switch of the chart, which is every boolean and every choice of values.schema.json, away from its default. */
export async function readSwitches(chart: string): Promise<Switch[]> {
  const schema: Schema = JSON.parse(await readFile(join(chart, 'values.schema.json'), 'utf8'))
  const defaults: unknown = parse(await readFile(join(chart, 'values.yaml'), 'utf8'))
  return [...switchesOf(schema, defaults, [], schema.$defs ?? {})]
}

function* switchesOf(
  schema: Schema,
  value: unknown,
  path: readonly string[],
  definitions: Readonly<Record<string, Schema>>,
): Generator<Switch> {
  const { enum: choices, type, properties } = resolved(schema, definitions)
  const others = choices ?? (type === 'boolean' ? ['true', 'false'] : [])
  for (const choice of others.filter(other => other !== String(value))) {
    yield { set: `${path.join('.')}=${choice}`, path: path.join('.'), value: choice }
  }
  for (const [name, inner] of Object.entries(properties ?? {})) {
    const below = value && typeof value === 'object' ? Reflect.get(value, name) : undefined
    // What has no default is a field of a list's items or of a map, and no switch.
    if (below !== undefined) yield* switchesOf(inner, below, [...path, name], definitions)
  }
}

function resolved(schema: Schema, definitions: Readonly<Record<string, Schema>>): Schema {
  const name = schema.$ref?.replace('#/$defs/', '')
  if (name === undefined) return schema
  const found = definitions[name]
  if (!found) throw new TypeError(`values.schema.json has no ${name}`)
  return found
}
