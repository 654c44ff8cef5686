/** Of these Node keeps the first alone: https://nodejs.org/api/http.html#messageheaders */
const single = new Set(
  `age authorization content-length content-type etag expires from host if-modified-since if-unmodified-since
   last-modified location max-forwards proxy-authorization referer retry-after server user-agent`.split(
    /\s+/,
  ),
)

/**
 * Headers as Node's `request.headers` has them, from names and values in turn: what a request was verified with must be
 * what it is verified with again.
 */
export function joinHeaders(raw: readonly string[]): Record<string, string | string[]> {
  const headers = new Map<string, string | string[]>()
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase()
    const value = raw[i + 1]!
    const known = headers.get(name)
    if (name === 'set-cookie') headers.set(name, [...(known ?? []), value])
    else if (known === undefined) headers.set(name, value)
    else if (!single.has(name)) headers.set(name, `${known}${name === 'cookie' ? '; ' : ', '}${value}`)
  }
  return Object.fromEntries(headers)
}
