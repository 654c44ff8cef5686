/** A request as it was received, as the API tells of it. */
export interface Received {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  readonly bodyEncoding: 'utf-8' | 'base64'
  readonly sizeBytes: number
}

/** The bytes of a body, exactly. */
export function bytesOf({
  body,
  bodyEncoding,
}: Pick<Received, 'body' | 'bodyEncoding'>): Uint8Array<ArrayBuffer> {
  if (bodyEncoding === 'utf-8') return new TextEncoder().encode(body ?? '')
  return Uint8Array.from(atob(body ?? ''), character => character.charCodeAt(0))
}

/** Bytes as `hexdump -C` shows them. */
export function hexLines(bytes: Uint8Array): string[] {
  const lines: string[] = []
  for (let start = 0; start < bytes.length; start += 16) {
    const row = [...bytes.subarray(start, start + 16)]
    const hex = row.map(byte => byte.toString(16).padStart(2, '0')).join(' ')
    const text = row.map(byte => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    lines.push(`${start.toString(16).padStart(8, '0')}  ${hex.padEnd(47)}  ${text}`)
  }
  return lines
}

/**
 * Text with the characters made visible that would otherwise do something: controls, terminal escapes, and those that turn the
 * direction of what follows (https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing).
 */
export function visible(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that are sought
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
