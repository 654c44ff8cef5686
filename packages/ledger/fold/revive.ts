import type { AnyRules } from './rules.ts'

/** Money attributes of an invoice's lines. */
const moneyOfLines = ['amount', 'tax', 'discount']

/** Attributes as rows hold them: the digits of money become `bigint`. */
export function revive(
  { money, blank }: Pick<AnyRules, 'money' | 'blank'>,
  state: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const entries = Object.keys(blank).map(key => {
    const value = state[key]
    if (key === 'lines' && Array.isArray(value)) return [key, value.map(line => bigints(line, moneyOfLines))]
    return [key, money.includes(key) && typeof value === 'string' ? BigInt(value) : value]
  })
  return Object.fromEntries(entries)
}

function bigints(line: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(line).map(([key, value]) => [
      key,
      names.includes(key) && typeof value === 'string' ? BigInt(value) : value,
    ]),
  )
}
