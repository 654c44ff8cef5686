import type { WebhookRequest } from '../scheme.ts'

/** A header's text; a repeated one joined by `, `, as node:http and the Fetch standard do it. */
export function headerText(headers: WebhookRequest['headers'], name: string): string | undefined {
  const value = headers[name]
  if (value === undefined || typeof value === 'string') return value
  return Array.isArray(value) && value.length > 0 ? value.join(', ') : undefined
}

/** Calls back for each non-empty item of a separated list, trimmed. One pass, however long the text is. */
export function eachItem(text: string, separator: string, onItem: (item: string) => void): void {
  let start = 0
  while (start <= text.length) {
    const found = text.indexOf(separator, start)
    const end = found < 0 ? text.length : found
    const item = text.slice(start, end).trim()
    if (item !== '') onItem(item)
    start = end + 1
  }
}

/** Calls back for each `name=value` of a separated list. Text without `=` is passed over, as the SDKs do. */
export function eachPair(
  text: string,
  separator: string,
  onPair: (name: string, value: string) => void,
): void {
  eachItem(text, separator, item => {
    const equals = item.indexOf('=')
    if (equals > 0) onPair(item.slice(0, equals), item.slice(equals + 1))
  })
}
