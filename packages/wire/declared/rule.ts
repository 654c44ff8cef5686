import { z } from 'zod'

/** Where in a value something is wrong: field names and indexes, from the value down. */
export type Path = readonly (string | number)[]

/**
 * A rule about more than one field, said twice in one place: `faults` for organizations from files, `cel` for the
 * API server, which refuses a resource with the same message. Both are run on the rows of `refused-rows.ts`.
 */
export interface Rule<Value> {
  /** A CEL expression over `self`; true is good. Its estimated cost is bounded by the schema's maxItems and maxLength. */
  readonly cel: string
  /** A sentence that says what to do. */
  readonly message: string
  /** The places where the value breaks the rule; none if it holds. */
  readonly faults: (value: Value) => readonly Path[]
}

/** A rule about a change, which only the API server can check: files have no old value. */
export interface TransitionRule {
  readonly cel: string
  readonly message: string
}

/** A schema with rules: checked by zod, and carried into the CRD as `x-kubernetes-validations`. */
export function ruled<Schema extends z.ZodType>(
  schema: Schema,
  rules: readonly Rule<z.output<Schema>>[],
  description: string,
  transitions: readonly TransitionRule[] = [],
) {
  return schema
    .superRefine((value, context) => {
      for (const rule of rules) {
        for (const path of rule.faults(value)) {
          context.addIssue({ code: 'custom', message: rule.message, path: [...path] })
        }
      }
    })
    .meta({
      description,
      'x-kubernetes-validations': [...rules, ...transitions].map(({ cel, message }) => ({
        rule: cel,
        message,
      })),
    })
}

/**
 * A list whose items have a key: unique here, and a map to the API server (`x-kubernetes-list-type: map`), so that
 * two writers can each own items of it.
 */
export function mapList<Item extends z.ZodType<object>>(
  item: Item,
  key: string,
  maxItems: number,
  description: string,
) {
  return z
    .array(item)
    .max(maxItems, `at most ${maxItems} are allowed`)
    .superRefine((items, context) => {
      const seen = new Set<unknown>()
      for (const [index, value] of items.entries()) {
        const name = (value as Record<string, unknown>)[key]
        if (seen.has(name)) {
          context.addIssue({
            code: 'custom',
            message: `${JSON.stringify(name)} is used twice: give each its own`,
            path: [index, key],
          })
        }
        seen.add(name)
      }
    })
    .meta({ description, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] })
}
