import { ApiError } from './problem.ts'

/** Deeper than any setting is. */
const maxDepth = 32

/**
 * JSON Merge Patch (RFC 7396): named fields are replaced, `null` removes a field, lists are replaced as a whole. Throws an
 * ApiError `request_invalid` for a patch that is nested too deeply.
 */
export function mergePatch(target: unknown, patch: unknown, depth = 0): unknown {
  if (!isObject(patch)) return patch
  if (depth > maxDepth) {
    const fault = { in: 'body', name: '', message: `is nested more than ${maxDepth} levels deep` } as const
    throw new ApiError('request_invalid', undefined, { faults: [fault] })
  }
  const merged = new Map(isObject(target) ? Object.entries(target) : [])
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name)
    else merged.set(name, mergePatch(merged.get(name), value, depth + 1))
  }
  return Object.fromEntries(merged)
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
