import { readFileSync } from 'node:fs'
import type { z } from 'zod'

/** A fault of the environment. The value itself isn't repeated: it may be a secret. */
export interface ConfigFault {
  readonly key: string
  /** What is wrong. */
  readonly fault: string
  /** The key's description, from its schema. */
  readonly description: string | undefined
}

/** The exit code for a faulty configuration: EX_CONFIG of sysexits.h. */
export const configExitCode = 78

/** All faults of the configuration, one line for each key. */
export class ConfigError extends Error {
  readonly code = 'config_invalid'
  readonly faults: readonly ConfigFault[]

  constructor(faults: readonly ConfigFault[]) {
    const lines = faults.map(
      ({ key, fault, description }) => `  ${key}: ${fault}${description ? ` (${description})` : ''}`,
    )
    super(
      `the configuration has ${faults.length} fault${faults.length === 1 ? '' : 's'}:\n${lines.join('\n')}`,
    )
    this.name = 'ConfigError'
    this.faults = faults
  }
}

/**
 * A check of a schema for a variable that another one needs, without which a part would be off, or fail for whoever uses it, and say
 * nothing at the start. `schema.superRefine(needs('CLIENT_ID', 'SECRET_KEY'))`.
 */
export function needs(given: string, needed: string) {
  return (config: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void => {
    if (!config[given] || config[needed]) return
    const message = `is missing, though ${given} is set: set both of them, or none`
    context.addIssue({ code: 'custom', path: [needed], message })
  }
}

/**
 * Reads the environment once, by a schema whose keys are the names of environment variables. Units, defaults and reasons
 * stand in the schema (`.default()`, `.describe()`); values come as text, so numbers are `z.coerce.number()`.
 *
 * - An empty variable is an absent one: manifests can't always leave one out.
 * - `KEY_FILE` names a file that holds the value of `KEY`, for secrets that are mounted; a last line break is dropped.
 *
 * The result is frozen.
 * @throws ConfigError with every fault, not just the first
 */
export function readConfig<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  env: NodeJS.ProcessEnv = process.env,
): Readonly<z.infer<z.ZodObject<Shape>>> {
  const faults: ConfigFault[] = []
  const described = (key: string) => (schema.shape[key] as z.ZodType | undefined)?.description
  const given: Record<string, string> = {}
  for (const key of Object.keys(schema.shape)) {
    const value = env[key]
    const file = env[`${key}_FILE`]
    if (value && file) {
      faults.push({
        key,
        fault: `${key}_FILE is set too: only one of them may be`,
        description: described(key),
      })
    } else if (value) {
      given[key] = value
    } else if (file) {
      try {
        given[key] = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
      } catch (error) {
        const { code = 'unreadable' } = error as NodeJS.ErrnoException
        faults.push({
          key: `${key}_FILE`,
          fault: `${file} can't be read: ${code}`,
          description: described(key),
        })
      }
    }
  }
  const parsed = schema.safeParse(given)
  if (!parsed.success) {
    const known = new Set(faults.map(({ key }) => key.replace(/_FILE$/, '')))
    for (const issue of parsed.error.issues) {
      const key = String(issue.path[0] ?? '')
      if (known.has(key)) continue
      const fault = key in given || issue.code === 'custom' ? issue.message : 'is missing'
      faults.push({ key, fault, description: described(key) })
    }
  }
  if (!parsed.success || faults.length > 0) throw new ConfigError(faults)
  return Object.freeze(parsed.data)
}
