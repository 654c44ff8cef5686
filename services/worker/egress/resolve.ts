import { Resolver } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { EgressError } from './egress-error.ts'

/**
 * All addresses of a name, asked anew each time.
 * @throws EgressError `ENOTFOUND`, `EAI_AGAIN`
 */
export type Resolve = (hostname: string) => Promise<readonly string[]>

export interface ResolverOptions {
  /** `address` or `address:port`. Default: the system's (resolv.conf). */
  readonly servers?: readonly string[]
  /** Milliseconds for one try of one server, of two tries. Default 2000. */
  readonly timeoutMs?: number
  /** A file of names that are answered without asking DNS, read once. Default /etc/hosts. */
  readonly hostsFile?: string
}

/** How long the other address family is waited for, once one has answered (RFC 8305, 3). */
const otherFamilyMs = 50

/**
 * Asks DNS over sockets of its own. Not by getaddrinfo: that runs on libuv's four threads, which four names whose DNS
 * server hangs would hold for everyone. It also means that names are absolute: resolv.conf's search list, which would
 * lead a tenant's `billing` to a service of the cluster, does not apply.
 */
export function openResolver(options: ResolverOptions = {}): Disposable & { readonly resolve: Resolve } {
  const dns = new Resolver({ timeout: options.timeoutMs ?? 2000, tries: 2 })
  if (options.servers) dns.setServers([...options.servers])
  const hosts = readHosts(options.hostsFile ?? '/etc/hosts')
  return {
    async resolve(hostname) {
      const known = hosts.get(hostname)
      if (known) return known
      // RFC 6761, 6.3: never asked of DNS.
      if (hostname === 'localhost' || hostname.endsWith('.localhost')) return ['127.0.0.1', '::1']
      return await ask(dns, hostname)
    },
    [Symbol.dispose]: () => dns.cancel(),
  }
}

/** IPv4 first: where there is no route for IPv6, trying it first would cost each connection a failure. */
async function ask(dns: Resolver, hostname: string): Promise<readonly string[]> {
  let v4: readonly string[] = []
  let v6: readonly string[] = []
  const queries = [
    dns.resolve4(hostname).then(found => {
      v4 = found
    }),
    dns.resolve6(hostname).then(found => {
      v6 = found
    }),
  ]
  const both = Promise.allSettled(queries)
  try {
    await Promise.any(queries)
  } catch (error) {
    throw dnsError(hostname, error)
  }
  const waiting = new AbortController()
  await Promise.race([both, delay(otherFamilyMs, undefined, { signal: waiting.signal }).catch(() => {})])
  waiting.abort()
  return [...v4, ...v6]
}

/** c-ares' own codes would mislead: its ECONNREFUSED is the DNS server's, not the destination's. */
function dnsError(hostname: string, error: unknown): EgressError {
  const codes = error instanceof AggregateError ? error.errors.map(inner => String(inner?.code)) : []
  const absent = codes.every(code => code === 'ENOTFOUND' || code === 'ENODATA' || code === 'EBADNAME')
  return absent
    ? new EgressError('ENOTFOUND', `${hostname} has no address`)
    : new EgressError('EAI_AGAIN', `${hostname} could not be looked up (${codes.join(', ')})`)
}

function readHosts(path: string): ReadonlyMap<string, readonly string[]> {
  const hosts = new Map<string, string[]>()
  for (const line of readIfThere(path).split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (isIP(address) === 0) continue
    for (const name of names)
      hosts.set(name.toLowerCase(), [...(hosts.get(name.toLowerCase()) ?? []), address])
  }
  return hosts
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
