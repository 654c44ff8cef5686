import type { ObjectKind } from '../attributes.ts'
import type { Draft } from '../draft.ts'
import { amountOf, currencyCode, fromMinorUnits } from '../money.ts'
import { type Json, textAt } from '../read.ts'
import type { Link } from '../rows.ts'

/** What all readers of Stripe's objects share. Each reads a field from its present home, and else from the one before. */

/** Reads one object. `deleted`: the event tells of its deletion. */
export type Reader<K extends ObjectKind> = (object: Json, deleted: boolean) => Draft<K>

export function moneyAt(object: Json, name: string): `${bigint}` | null {
  const value = object[name]
  return value === undefined || value === null ? null : fromMinorUnits(value)
}

/** The sum of `amount` of some objects: taxes and discounts are lists since 2025-03-31, and partly before. */
export function sumOf(parts: readonly Json[]): `${bigint}` {
  return amountOf(parts.reduce((sum, part) => sum + BigInt(fromMinorUnits(part.amount)), 0n))
}

export function currencyAt(object: Json): string | null {
  const code = textAt(object, 'currency')
  return code === null ? null : currencyCode(code)
}

export function linksTo(links: readonly (readonly [ObjectKind, string | null])[]): Link[] {
  return links.flatMap(([kind, id]) => (id === null ? [] : [{ kind, id }]))
}
