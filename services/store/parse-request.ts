import { type IdPrefix, parseId } from '@fairlead/webhook/id'
import type { z } from 'zod'
import { StoreError } from './store-error.ts'

/**
 * Checks a request, or a part of it, by a schema. Throws a StoreError `invalid_field` with the first fault's path
 * (`sources[2].settings.provider`). Values aren't repeated: some are secret.
 */
export function parseRequest<Schema extends z.ZodType>(
  schema: Schema,
  request: unknown,
  prefix = '',
): z.infer<Schema> {
  const parsed = schema.safeParse(request)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const field = (issue?.path ?? []).reduce<string>(
    (path, step) => (typeof step === 'number' ? `${path}[${step}]` : `${path}${path && '.'}${String(step)}`),
    prefix,
  )
  throw new StoreError('invalid_field', `${field}: ${issue?.message ?? 'is wrong'}`, { field })
}

/** Reads an id of one kind from a request. Throws a StoreError `invalid_field`. */
export function requireId<P extends IdPrefix>(prefix: P, text: string, field: string) {
  const id = parseId(prefix, text)
  if (id) return id
  throw new StoreError('invalid_field', `${field}: must be an id that starts with ${prefix}_`, { field })
}

/** Reads an e-mail address, lower case. What may stand in one is the API's to say. Throws a StoreError `invalid_field`. */
export function requireAddress(text: string): string {
  if (text.length <= 320 && /^[^\s@]+@[^\s@]+$/.test(text)) return text.toLowerCase()
  throw new StoreError('invalid_field', 'email: must be one address', { field: 'email' })
}
