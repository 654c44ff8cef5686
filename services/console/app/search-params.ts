/**
 * The query string as plain names and values, so that an address reads as the API's own: `?status=failed&after=-2h`. Repeated
 * names keep their last value.
 */
export type Search = Readonly<Record<string, string>>

export function parseSearch(text: string): Search {
  return Object.fromEntries(new URLSearchParams(text))
}

/** Names in the order of the alphabet, so that one view has one address; empty values go. */
export function writeSearch(search: Readonly<Record<string, unknown>>): string {
  const params = new URLSearchParams()
  for (const name of Object.keys(search).toSorted()) {
    const value = search[name]
    if (value !== undefined && value !== '') params.set(name, String(value))
  }
  const text = params.toString()
  return text && `?${text}`
}
