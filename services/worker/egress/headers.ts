/**
 * Makes headers that came from elsewhere (a provider's request, a destination's settings) fit to be sent, so that none
 * of them can fail a delivery, end the head early, or speak for this connection.
 */

/** What the connection or the client itself decides (RFC 9110, 7.6.1 and 8.6), by lower-case name. */
const ours = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // The answer is read by us, and only plain text of it is of use.
  'accept-encoding',
])

/** RFC 9110, 5.6.2. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** What a field value can't hold (RFC 9110, 5.5): control characters but the tab, and what is no byte. */
const unfit = /[^\t -~\u0080-\u00ff]/

/** How many names' verdicts are kept: those of a deployment's providers and settings, which are few. */
const maxNames = 2000

/**
 * A function from names and values in turn to those that can be sent. A name that is no token, or isn't the sender's to
 * set, is dropped with its value. In a value, control characters become spaces (as RFC 9110, 5.5 demands of CR, LF and
 * NUL), and text beyond Latin-1 goes out as UTF-8.
 */
export function openHeaderFilter(): (headers: readonly string[]) => string[] {
  const verdicts = new Map<string, boolean>()
  const maySend = (name: string): boolean => {
    let verdict = verdicts.get(name)
    if (verdict === undefined) {
      verdict = token.test(name) && !ours.has(name.toLowerCase())
      if (verdicts.size >= maxNames) verdicts.clear()
      verdicts.set(name, verdict)
    }
    return verdict
  }
  return headers => {
    const kept: string[] = []
    for (let i = 0; i + 1 < headers.length; i += 2) {
      const name = headers[i]!
      const value = headers[i + 1]!
      if (maySend(name)) kept.push(name, unfit.test(value) ? fit(value) : value)
    }
    return kept
  }
}

function fit(value: string): string {
  const bytes = /[\u0100-\uffff]/.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value
  return bytes.replaceAll(new RegExp(unfit, 'g'), ' ')
}
