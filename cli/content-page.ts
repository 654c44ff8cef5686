import type { EventDetail } from '@fairlead/client/gen/client'
import { printable, type Terminal } from './terminal.ts'

/** A request as it was received. */
type Content = Pick<EventDetail, 'headers' | 'body' | 'bodyEncoding' | 'sizeBytes'>

/** Lines of a body that are shown: more is for --json. */
const maxBodyLines = 60

/** Headers and body of a request, as a page to read. */
export function printContent(request: Content, terminal: Terminal): void {
  terminal.print()
  for (const [name, value] of Object.entries(request.headers)) {
    terminal.print(`${terminal.paint('cyan', printable(name))}: ${printable(value)}`)
  }
  if (request.body === null) {
    terminal.print(terminal.paint('dim', 'Its bytes are not kept.'))
    return
  }
  terminal.print()
  if (request.bodyEncoding === 'base64') {
    terminal.print(
      terminal.paint('dim', `(${request.sizeBytes} bytes that are no text: --json has them in base64)`),
    )
    return
  }
  const lines = printable(indentJson(request.body), { lines: true }).split('\n')
  for (const line of lines.slice(0, maxBodyLines)) terminal.print(line)
  if (lines.length > maxBodyLines) {
    terminal.print(terminal.paint('dim', `… ${lines.length - maxBodyLines} lines more: --json has all of it`))
  }
}

/** What Node 24 has, and TypeScript's library doesn't know yet: https://github.com/tc39/proposal-json-parse-with-source */
interface JsonWithSource {
  rawJSON(text: string): unknown
  parse(
    text: string,
    reviver: (name: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown
}

/** JSON over several lines, for the eye, with its numbers as they were written; anything else as it is. */
export function indentJson(text: string): string {
  const json = JSON as unknown as JsonWithSource
  try {
    const parsed = json.parse(text, (_name, value, { source }) =>
      typeof value === 'number' && source !== undefined ? json.rawJSON(source) : value,
    )
    return JSON.stringify(parsed, null, 2)
  } catch {
    return text
  }
}
