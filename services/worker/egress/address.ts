import { isIPv4, isIPv6 } from 'node:net'

/**
 * The guard against SSRF (server-side request forgery): which addresses a destination may have. Pure. The address given is
 * the one that is dialled, so neither the spelling of its name nor a later resolution of the name matters here.
 */
export type AddressPolicy = (address: string) => 'allowed' | 'blocked'

/**
 * IPv4 is open but for these: the IANA special-purpose registry (RFC 6890;
 * https://www.iana.org/assignments/iana-ipv4-special-registry) and what clouds keep for themselves.
 */
const blockedV4 = [
  '0.0.0.0/8', // this network, unspecified (RFC 791): Linux connects 0.0.0.0 to itself
  '10.0.0.0/8', // private (RFC 1918)
  '100.64.0.0/10', // carrier-grade NAT (RFC 6598); Alibaba's metadata at 100.100.100.200
  '127.0.0.0/8', // loopback (RFC 1122)
  '168.63.129.16/32', // Azure's host services; a public address that Azure routes to the host, in no registry
  '169.254.0.0/16', // link-local (RFC 3927); the clouds' metadata at 169.254.169.254
  '172.16.0.0/12', // private (RFC 1918)
  '192.0.0.0/24', // IETF protocol assignments (RFC 6890); Oracle's metadata at 192.0.0.192
  '192.0.2.0/24', // documentation (RFC 5737)
  '192.88.99.0/24', // 6to4 relays, withdrawn (RFC 7526)
  '192.168.0.0/16', // private (RFC 1918)
  '198.18.0.0/15', // benchmarking (RFC 2544)
  '198.51.100.0/24', // documentation (RFC 5737)
  '203.0.113.0/24', // documentation (RFC 5737)
  '224.0.0.0/4', // multicast (RFC 5771)
  '240.0.0.0/4', // reserved (RFC 1112), limited broadcast (RFC 8190)
]

/**
 * IPv6 is closed but for global unicast (RFC 4291, 2.4). That leaves out loopback, unspecified and IPv4-compatible
 * (::/96), discard-only (100::/64), local NAT64 (64:ff9b:1::/48, RFC 8215: where in it the IPv4 address stands can't be
 * told), segment routing (5f00::/16), unique local (fc00::/7; AWS' metadata at fd00:ec2::254), link-local (fe80::/10),
 * site-local (fec0::/10) and multicast (ff00::/8).
 */
const globalUnicast = '2000::/3'

/** What of global unicast is special (https://www.iana.org/assignments/iana-ipv6-special-registry). */
const blockedV6 = [
  '2001::/23', // IETF protocol assignments (RFC 2928): Teredo (RFC 4380), benchmarking (RFC 5180), ORCHID
  '2001:db8::/32', // documentation (RFC 3849)
  '2002::/16', // 6to4, whose relays are withdrawn (RFC 7526): it embeds any IPv4 address
  '3fff::/20', // documentation (RFC 9637)
]

/** IPv6 forms of an IPv4 address that reach it: they are judged as that address. The last 32 bits hold it. */
const embeddingV4 = [
  '::ffff:0:0/96', // IPv4-mapped (RFC 4291, 2.5.5.2): the kernel speaks IPv4
  '64:ff9b::/96', // NAT64 (RFC 6052): how DNS64 shows the public IPv4 internet to an IPv6-only cluster
]

/** An address as a number, and which family it is of. */
interface Address {
  readonly bits: 32 | 128
  readonly value: bigint
}

/** The addresses that agree with `prefix` in all but their last `hostBits` bits. */
interface Range {
  readonly bits: 32 | 128
  readonly prefix: bigint
  readonly hostBits: bigint
}

/**
 * @param options.allowCidrs CIDRs or single addresses that are allowed although they are special
 *   (`FAIRLEAD_DESTINATION_ALLOW`). An IPv4 one also allows the IPv6 forms that reach it.
 * @returns a function from an address, as DNS or a socket gives it, to the verdict. What is no address, or has a zone
 *   (`fe80::1%eth0`), is blocked.
 * @throws TypeError naming the entry that is no CIDR
 */
export function compileAddressPolicy(options: { readonly allowCidrs: readonly string[] }): AddressPolicy {
  const allow = options.allowCidrs.map(parseCidr)
  const closedV4 = blockedV4.map(parseCidr)
  const closedV6 = blockedV6.map(parseCidr)
  const embedding = embeddingV4.map(parseCidr)
  const open = [parseCidr(globalUnicast)]
  return text => {
    const written = parseAddress(text)
    if (written === undefined) return 'blocked'
    if (inAny(written, allow)) return 'allowed'
    const reached = inAny(written, embedding) ? embeddedV4(written) : written
    if (inAny(reached, allow)) return 'allowed'
    if (reached.bits === 32) return inAny(reached, closedV4) ? 'blocked' : 'allowed'
    return inAny(reached, open) && !inAny(reached, closedV6) ? 'allowed' : 'blocked'
  }
}

function embeddedV4(address: Address): Address {
  return { bits: 32, value: address.value & 0xffff_ffffn }
}

function inAny(address: Address, ranges: readonly Range[]): boolean {
  return ranges.some(range => range.bits === address.bits && address.value >> range.hostBits === range.prefix)
}

function parseCidr(text: string): Range {
  const [base = '', length, ...rest] = text.split('/')
  const address = parseAddress(base)
  const prefixBits =
    length === undefined ? address?.bits : /^\d{1,3}$/.test(length) ? Number(length) : undefined
  if (!address || prefixBits === undefined || prefixBits > address.bits || rest.length > 0) {
    throw new TypeError(`"${text}" is neither a CIDR nor an address`)
  }
  const hostBits = BigInt(address.bits - prefixBits)
  return { bits: address.bits, prefix: address.value >> hostBits, hostBits }
}

/**
 * Only node's strict forms: inet_aton's (0177.1, 2130706433) are read by no resolver's answer. Not with ipaddr.js,
 * which takes the IPv4-compatible ::7.0.0.1 for the IPv4-mapped ::ffff:7.0.0.1.
 */
function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) return { bits: 32, value: joined(text.split('.').map(Number), 8n) }
  if (!isIPv6(text) || text.includes('%')) return undefined
  const [head = '', tail] = text.split('::')
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0)
  return { bits: 128, value: joined([...before, ...zeros, ...after], 16n) }
}

/** Groups of 16 bits; dotted decimals at the end are two of them. */
function groups(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap(group => {
    if (!group.includes('.')) return Number.parseInt(group, 16)
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}

function joined(parts: readonly number[], width: bigint): bigint {
  return parts.reduce((sum, part) => (sum << width) | BigInt(part), 0n)
}
