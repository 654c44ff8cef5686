import { type IdPrefix, parseId } from '@fairlead/webhook/id'

/*
 * Checks of single fields, for records that Fairlead itself wrote and reads by the thousand: a schema takes several times
 * as long. What comes from outside is checked by schemas.
 */

export type Unchecked = Readonly<Record<string, unknown>>

/** The object in a JSON text; undefined: it holds something else. Throws a SyntaxError. */
export function parseObject(text: string): Unchecked | undefined {
  const value: unknown = JSON.parse(text)
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Unchecked)
    : undefined
}

export const isId = (prefix: IdPrefix, value: unknown): boolean =>
  typeof value === 'string' && parseId(prefix, value) !== undefined
export const isText = (value: unknown): value is string => typeof value === 'string'
export const isNumber = (value: unknown): boolean => Number.isFinite(value)
export const isCount = (value: unknown, least: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= least
export const isOneOf = (words: readonly string[], value: unknown): boolean => words.includes(value as string)
export const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText)
/** Absent, or as the check says. */
export const isOptional = (value: unknown, check: (value: unknown) => boolean): boolean =>
  value === undefined || check(value)
