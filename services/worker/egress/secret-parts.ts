/** Characters that a text must have to be looked for in an answer: shorter ones would be words. */
const leastCharacters = 8
/** Texts that are looked for in one answer. Usual requests have some twenty. */
const mostParts = 200

export interface SecretPart {
  readonly name: string
  readonly text: string
}

/**
 * The texts that must not be shown where the other end sends them back: values of headers, and their parts (`Bearer …`, `t=…,v1=…`).
 * Undefined where there are more than 200. Each is looked for in the whole answer, and a tenant declares headers of any number of parts:
 * the answer is then not shown at all, which costs nothing.
 */
export function secretParts(
  headers: Iterable<readonly [name: string, value: string]>,
): readonly SecretPart[] | undefined {
  const parts: SecretPart[] = []
  for (const [name, value] of headers) {
    const pieces = value.split(/[ ,;]|(?<==)(?=[^=])/, mostParts + 1)
    if (pieces.length > mostParts) return undefined
    for (const text of pieces.length === 1 ? pieces : [value, ...pieces]) {
      const trimmed = text.trim()
      if (trimmed.length < leastCharacters) continue
      if (parts.length === mostParts) return undefined
      parts.push({ name, text: trimmed })
    }
  }
  // The longest first: of a secret that another one begins with, the rest would be shown.
  return parts.sort((a, b) => b.text.length - a.text.length)
}
