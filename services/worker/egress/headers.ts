import { connectionHeaders } from './connection-headers.ts'

/**
 * Makes headers that came from elsewhere (a provider's request, a destination's settings) fit to be sent, so that none
 * of them can fail a delivery, end the head early, or speak for this connection.
 */

/** Names that the client sets itself. */
const ours = new Set([
  ...connectionHeaders,
  // The client decides which codings it can read; it reads the first bytes of an answer only.
  'accept-encoding',
])

/**
 * Whether a destination's settings may set a header of this name. The client makes those of the connection anew; a second
 * `webhook-signature` or `fairlead-*` beside ours would be joined with it, and the signature would no longer verify.
 */
export function isSettable(name: string): boolean {
  const lower = name.toLowerCase()
  return !ours.has(lower) && !signed.has(lower) && !lower.startsWith('fairlead-')
}

const signed: ReadonlySet<string> = new Set(['webhook-id', 'webhook-timestamp', 'webhook-signature'])

/** RFC 9110, 5.6.2. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** What a field value can't hold (RFC 9110, 5.5): control characters but the tab, and what is no byte. */
const unfit = /[^\t -~\u0080-\u00ff]/

/** How many names are kept with their verdict: those of a deployment's providers and settings, which are few. */
const maxNames = 2000

/**
 * A function from names and values in turn to the lines of a head, each with its line end. A name that is no token, or
 * isn't the sender's to set, is dropped with its value. In a value, control characters become spaces (as RFC 9110, 5.5
 * demands of CR, LF and NUL), and text beyond Latin-1 goes out as UTF-8: each character of the result is a byte.
 */
export function openHeaderWriter(): (headers: readonly string[]) => string {
  /** Name → how its line begins; empty for a name that isn't sent. */
  const beginnings = new Map<string, string>()
  const beginningOf = (name: string): string => {
    let beginning = beginnings.get(name)
    if (beginning === undefined) {
      beginning = token.test(name) && !ours.has(name.toLowerCase()) ? `${name}: ` : ''
      if (beginnings.size >= maxNames) beginnings.clear()
      beginnings.set(name, beginning)
    }
    return beginning
  }
  return headers => {
    let lines = ''
    for (let i = 0; i + 1 < headers.length; i += 2) {
      const beginning = beginningOf(headers[i]!)
      if (beginning === '') continue
      const value = headers[i + 1]!
      lines += `${beginning}${unfit.test(value) ? fit(value) : value}\r\n`
    }
    return lines
  }
}

function fit(value: string): string {
  const bytes = /[\u0100-\uffff]/.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value
  return bytes.replaceAll(new RegExp(unfit, 'g'), ' ')
}
