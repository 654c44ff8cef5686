import type { oas31 } from 'zod-openapi'
import type { OpenApiDocument } from '../openapi.ts'

type Schema = oas31.SchemaObject | oas31.ReferenceObject

/** Nests deeper only by a schema that contains itself. */
const mostLevels = 12

/**
 * A value that a schema describes: its examples where it has some, else the simplest. A request's has the required fields
 * alone, an answer's has all.
 */
export function sampleOf(
  document: OpenApiDocument,
  schema: Schema,
  fields: 'all' | 'required',
  level = 0,
): unknown {
  if (level > mostLevels) return null
  if ('$ref' in schema && schema.$ref) {
    const name = schema.$ref.split('/').pop()!
    const target = document.components?.schemas?.[name]
    return target ? sampleOf(document, target, fields, level + 1) : null
  }
  const object = schema as oas31.SchemaObject
  const given = [object.example, object.examples?.[0], object.default, object.const, object.enum?.[0]]
  const known = given.find(value => value !== undefined)
  if (known !== undefined) return known
  const choice = (object.anyOf ?? object.oneOf)?.find(one => !('type' in one && one.type === 'null'))
  if (choice) return sampleOf(document, choice, fields, level + 1)
  if (object.allOf) {
    const parts = object.allOf.map(part => sampleOf(document, part, fields, level + 1))
    return Object.assign({}, ...parts)
  }
  return sampleOfType(document, object, fields, level)
}

function sampleOfType(
  document: OpenApiDocument,
  object: oas31.SchemaObject,
  fields: 'all' | 'required',
  level: number,
): unknown {
  const [type] = [object.type ?? (object.properties ? 'object' : 'null')].flat()
  switch (type) {
    case 'object': {
      const names = Object.keys(object.properties ?? {}).filter(
        name => fields === 'all' || object.required?.includes(name),
      )
      return Object.fromEntries(
        names.map(name => [name, sampleOf(document, object.properties![name]!, fields, level + 1)]),
      )
    }
    case 'array':
      return object.items ? [sampleOf(document, object.items as Schema, fields, level + 1)] : []
    case 'string':
      return sampleText(object)
    case 'integer':
    case 'number':
      return object.minimum ?? 0
    case 'boolean':
      return true
    case 'null':
    case undefined:
      return null
    default:
      return type satisfies never
  }
}

function sampleText({ format, minLength = 0 }: oas31.SchemaObject): string {
  if (format === 'date-time') return '2026-03-01T12:00:00Z'
  if (format === 'date') return '2026-03-01'
  if (format === 'uri') return 'https://example.com/'
  return minLength > 0 ? 'text' : ''
}
