/** The end of an operation, announced at least six months ahead (docs/adr/0045). */
export interface Deprecation {
  /** Since when nothing new should use it, as a date: `2026-03-01`. */
  readonly since: string
  /** When it will be gone, as a date; at least six months after `since`. Absent: that isn't settled yet. */
  readonly sunset?: string
  /** What is used in its place, as a sentence. */
  readonly instead: string
}

/**
 * The headers of an operation that will go: `Deprecation` (RFC 9745), `Sunset` (RFC 8594), and `Link` to where it is said what to use in
 * its place. None for all others.
 */
export function deprecationHeaders({
  name,
  deprecated,
}: {
  readonly name: string
  readonly deprecated?: Deprecation
}): Record<string, string> {
  if (!deprecated) return {}
  const { since, sunset } = deprecated
  return {
    deprecation: `@${Date.parse(since) / 1000}`,
    link: `</docs#${name}>; rel="deprecation"; type="text/html"`,
    ...(sunset && { sunset: new Date(sunset).toUTCString() }),
  }
}

/** The same for people. */
export function saidOfEnd({ since, sunset, instead }: Deprecation): string {
  const end = sunset ? ` It will be gone on ${sunset}.` : ''
  return `Deprecated since ${since}.${end} ${instead}`
}
