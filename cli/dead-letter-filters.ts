import { readTime } from './read-time.ts'

/** Which dead letters a command is about: options that `dead-letters` and `retries` share. */
export const deadLetterOptions = {
  destination: { type: 'string', short: 'd' },
  source: { type: 'string' },
  type: { type: 'string' },
  'died-of': { type: 'string' },
  after: { type: 'string' },
  before: { type: 'string' },
  all: { type: 'boolean' },
  limit: { type: 'string', short: 'n' },
  rate: { type: 'string' },
  'dry-run': { type: 'boolean' },
  yes: { type: 'boolean', short: 'y' },
  json: { type: 'boolean' },
} as const

export const deadLetterUsage = `  -d, --destination NAME only this destination's
  --source NAME          only this source's
  --type GLOB            only these types
  --died-of WORD         only those that died of it: attempts_exhausted
  --after T, --before T  only those that died then: 2026-03-01, -2h`

/** Option → the API's name. */
const names = {
  destination: 'destination',
  source: 'source',
  type: 'type',
  'died-of': 'reason',
  after: 'diedAfter',
  before: 'diedBefore',
} as const

/** Filters by the API's names. Throws a CommandError for a time that is none. */
export function readDeadLetterFilters(
  usage: string,
  values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>,
): Record<string, string> {
  const filters: Record<string, string> = {}
  for (const [option, name] of Object.entries(names)) {
    const value = values[option]
    if (typeof value !== 'string') continue
    const isTime = option === 'after' || option === 'before'
    filters[name] = isTime ? readTime(usage, option, value, new Date())! : value
  }
  return filters
}

/** `--rate`: deliveries a second. */
export const rateRange = { least: 1, most: 1_000, otherwise: 50 } as const
/** `--limit` of a list. */
export const listRange = { least: 1, most: 500, otherwise: 20 } as const
