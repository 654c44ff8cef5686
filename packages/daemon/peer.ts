import { BlockList, isIP } from 'node:net'

/** Proxies whose `X-Forwarded-*` headers are believed. */
export interface TrustedProxies {
  readonly isEmpty: boolean
  /** Whether an address, as a socket or a header spells it, is one of these proxies'. */
  trusts(address: string | undefined): boolean
}

/** Reads addresses and CIDR ranges, comma-separated (`10.0.0.0/8, ::1`); undefined where an entry is neither. */
export function openTrustedProxies(text: string): TrustedProxies | undefined {
  const list = new BlockList()
  for (const entry of text.split(',').map(part => part.trim())) {
    if (entry === '') continue
    const [address = '', prefix] = entry.split('/')
    const version = isIP(address)
    const bits = version === 4 ? 32 : 128
    const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
    if (version === 0 || !(length <= bits)) return undefined
    list.addSubnet(address, length, version === 4 ? 'ipv4' : 'ipv6')
  }
  const isEmpty = list.rules.length === 0
  return {
    isEmpty,
    trusts(address) {
      if (isEmpty || address === undefined) return false
      const plain = withoutMapping(address)
      const version = isIP(plain)
      return version !== 0 && list.check(plain, version === 4 ? 'ipv4' : 'ipv6')
    },
  }
}

/** Hops of one header that are looked at: a longer chain of trusted proxies counts as its last proxy. */
const mostHops = 16

/**
 * The sender of a request, as a key for shares and rates: the last hop of `X-Forwarded-For` that is not a trusted proxy's.
 * An IPv4 address, or an IPv6 network (`2001:db8:1:2::/64`: a sender usually has all of a /64). Where a trusted proxy wrote
 * something else than an address, it is that proxy; never empty.
 *
 * @param address the connection's (`socket.remoteAddress`)
 * @param forwardedFor the header, all of its lines joined by commas; the part that an untrusted sender wrote is not read
 */
export function peerOf(
  address: string | undefined,
  forwardedFor: string | readonly string[] | undefined,
  trusted: TrustedProxies,
): string {
  let peer = address ?? 'unknown'
  if (forwardedFor !== undefined && trusted.trusts(peer)) {
    const hops = String(forwardedFor)
      .slice(-mostHops * 64)
      .split(',')
      .slice(-mostHops)
    for (let hop = hops.pop(); hop !== undefined && trusted.trusts(peer); hop = hops.pop()) {
      const forwarded = readHop(hop)
      if (forwarded === undefined) break
      peer = forwarded
    }
  }
  return networkOf(withoutMapping(peer))
}

/** An address of `X-Forwarded-For`, which some proxies write with a port or in brackets. */
function readHop(hop: string): string | undefined {
  const text = hop.trim()
  const bare =
    /^\[([^\]]{2,45})\](?::\d{1,5})?$/.exec(text)?.[1] ?? /^([\d.]{7,15}):\d{1,5}$/.exec(text)?.[1] ?? text
  return isIP(bare) === 0 ? undefined : bare
}

/** A socket that listens on both families shows an IPv4 address as `::ffff:a.b.c.d`. */
function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

/** The /64 of an IPv6 address; anything else as it is. */
function networkOf(address: string): string {
  if (!address.includes(':') || isIP(address) !== 6) return address
  const [head = '', tail = ''] = address.split('%', 1)[0]!.toLowerCase().split('::', 2)
  const before = head === '' ? [] : head.split(':')
  const after = tail === '' ? [] : tail.split(':')
  // An address may end in a dotted IPv4 address, which stands for two groups.
  const groups = before.length + after.length + (address.includes('.') ? 1 : 0)
  const all = address.includes('::') ? [...before, ...Array(8 - groups).fill('0'), ...after] : before
  const network = all.slice(0, 4).map(group => Number.parseInt(group, 16).toString(16))
  return `${network.join(':')}::/64`
}
