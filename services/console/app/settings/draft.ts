/** A setting while it is typed: as the API takes it, with names of fields joined by dots, as its faults name them. */
export type Draft = Readonly<Record<string, unknown>>

/** What a field holds; undefined where nothing does. */
export function valueAt(draft: unknown, path: string): unknown {
  let value = draft
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Draft)[name]
  }
  return value
}

/**
 * The draft with another value in a field. What is empty isn't there: the API then takes its default, and an object that has
 * nothing left goes with its last field. Entries of a list stay in their places, with what they have within.
 */
export function withValue(draft: Draft, path: string, value: unknown): Draft {
  return put(draft, path.split('.'), value) as Draft
}

function put(
  container: unknown,
  [name, ...rest]: readonly string[],
  value: unknown,
  /** Within an entry of a list, whose kind is said by the objects that it has. */
  isEntry = false,
): unknown {
  if (name === undefined) return value
  if (Array.isArray(container)) {
    return container.map((entry, index) => (index === Number(name) ? put(entry, rest, value, true) : entry))
  }
  const { [name]: before, ...others } = (container ?? {}) as Record<string, unknown>
  const next = put(before, rest, value, isEntry)
  if (isEmpty(next)) return isEntry || Object.keys(others).length > 0 ? others : undefined
  // In its old place, so that a form and a difference read in one order.
  return container && name in (container as object)
    ? { ...(container as object), [name]: next }
    : { ...others, [name]: next }
}

const isEmpty = (value: unknown): boolean => value === undefined || value === ''
