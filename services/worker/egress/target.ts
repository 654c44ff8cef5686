import { EgressError } from './egress-error.ts'

/** Where a request goes: a URL taken apart and checked. */
export interface Target {
  /** `https://host` or `http://host:8080`. */
  readonly origin: string
  readonly secure: boolean
  /** As DNS is asked for it and as certificates name it: no brackets, no trailing dot. Perhaps an address. */
  readonly hostname: string
  readonly port: number
  /** Path and query. */
  readonly path: string
  /** How the head of a POST to it begins: request line, Host and Connection, each with its line end. */
  readonly headBegins: string
}

/** Which ports a destination may have. */
export type PortPolicy = (port: number) => boolean

/**
 * 80 and 443, and what isn't reserved for system services: no POST reaches a mail server (25), SSH (22) or LDAP (389),
 * and people's own servers on 3000 or 8443 work.
 */
export const defaultPorts = '80,443,1024-65535'

/**
 * @param spec ports and ranges, comma-separated: `80,443,1024-65535`
 * @throws TypeError naming the entry that is neither
 */
export function compilePortPolicy(spec: string): PortPolicy {
  const ranges = spec.split(',').map(entry => {
    const [, low, high = low] = /^\s*(\d{1,5})(?:-(\d{1,5}))?\s*$/.exec(entry) ?? []
    const range = { low: Number(low), high: Number(high) }
    if (!(range.low >= 1 && range.low <= range.high && range.high <= 65535)) {
      throw new TypeError(`"${entry}" is neither a port nor a range of ports`)
    }
    return range
  })
  return port => ranges.some(({ low, high }) => port >= low && port <= high)
}

/**
 * Reads a destination's URL. The WHATWG parser turns decimal, octal and hex hosts into the address they are, so what is
 * checked as an address later is what they reach.
 *
 * @throws EgressError `ERR_INVALID_URL`, `FAIRLEAD_PORT_BLOCKED`
 */
export function parseTarget(text: string, mayUse: PortPolicy): Target {
  const url = URL.parse(text)
  if (!url) throw new EgressError('ERR_INVALID_URL', 'the URL can not be read')
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new EgressError('ERR_INVALID_URL', 'the URL is neither http nor https')
  }
  // A URL is shown in logs and pages, so it is no place for them.
  if (url.username !== '' || url.password !== '') {
    throw new EgressError('ERR_INVALID_URL', "user and password belong into the destination's authorization")
  }
  const secure = url.protocol === 'https:'
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  if (!mayUse(port)) throw new EgressError('FAIRLEAD_PORT_BLOCKED', `port ${port} is not allowed`)
  const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
  if (hostname === '') throw new EgressError('ERR_INVALID_URL', 'the URL has no host')
  const path = url.pathname + url.search
  const headBegins = `POST ${path} HTTP/1.1\r\nhost: ${url.host}\r\nconnection: keep-alive\r\n`
  return { origin: url.origin, secure, hostname, port, path, headBegins }
}
