import { once } from 'node:events'
import { isIP, type LookupFunction, connect as netConnect, type Socket } from 'node:net'
import { createSecureContext, getCACertificates, type SecureContext, connect as tlsConnect } from 'node:tls'
import type { AddressPolicy } from './address.ts'
import { EgressError } from './egress-error.ts'
import type { Resolve } from './resolve.ts'
import type { Target } from './target.ts'

/** Whom the destination shall see: a certificate and its key, for mTLS. */
export interface ClientCertificate {
  readonly certPem: string
  readonly keyPem: string
}

export interface DialOptions {
  readonly policy: AddressPolicy
  /** Scheme, host and port of the platform's own that may have any address: the prober's. Default: none. */
  readonly trustedOrigin?: string
  readonly resolve: Resolve
  /** Milliseconds for DNS, TCP and TLS together. */
  readonly connectTimeoutMs: number
  /** Certificate authorities in PEM that are trusted beside node's own (and NODE_EXTRA_CA_CERTS). */
  readonly extraCas?: readonly string[]
}

/**
 * Connects to a target: name → all its addresses → only the allowed ones → TCP → TLS. The name is asked for anew each
 * time, and no other address is dialled than one that was checked: a name that answers differently a moment later
 * (rebinding) changes nothing.
 *
 * A name that has allowed and blocked addresses is dialled at the allowed ones. Refusing it whole would protect no
 * more, because the blocked ones are never dialled, and would fail names that are public and internal at one time.
 *
 * @throws EgressError `ENOTFOUND`, `EAI_AGAIN`, `FAIRLEAD_ADDRESS_BLOCKED`, `ETIMEDOUT`, `FAIRLEAD_CLIENT_CERTIFICATE`;
 *   node's errors of net and tls
 */
export type Dial = (
  target: Target,
  certificate: ClientCertificate | undefined,
  signal: AbortSignal,
  onBytes: OnBytes,
  dialling: Dialling,
) => Promise<Socket>

/** How far dialling has come; the dialler fills it in, also where it fails. */
export interface Dialling {
  /** Address and port; of a name that has several and could not be reached, the first three. */
  address?: string
  /** Milliseconds. Absent: the host is an address, or no answer came. */
  dnsMs?: number
  /** Milliseconds, of TCP alone. */
  connectMs?: number
  /** Milliseconds. */
  tlsMs?: number
}

/**
 * Called with what a socket has read, in the first `length` bytes of memory that the next read of any socket overwrites.
 * Returns true: reading goes on.
 */
export type OnBytes = (length: number, bytes: Buffer) => boolean

/**
 * Bytes that are read at once, into one buffer for all sockets: a read and its callback are one step of the event loop.
 * (Not so on Windows, where the system holds the buffer while it waits.)
 */
const readBytes = 64 * 1024

/** How many TLS sessions are kept for resumption, about 3 KB each. Resuming saves half of a handshake's CPU. */
const maxSessions = 1000

/** How long one of several addresses is tried before the next (node's happy eyeballs). The last has all the time left. */
const nextAddressMs = 1000

export function openDialer(options: DialOptions): Dial {
  const contextOf = openContexts(options.extraCas ?? [])
  const sessions = new Map<string, Buffer>()
  const buffer = Buffer.allocUnsafeSlow(readBytes)

  const isAllowed = (target: Target, address: string): boolean =>
    target.origin === options.trustedOrigin || options.policy(address) === 'allowed'

  async function allowedAddresses(target: Target): Promise<readonly string[]> {
    const { hostname } = target
    // net.connect looks no literal address up, so it is checked here or nowhere.
    const all = isIP(hostname) === 0 ? await options.resolve(hostname) : [hostname]
    const allowed = all.filter(address => isAllowed(target, address))
    if (allowed.length === 0) {
      throw new EgressError('FAIRLEAD_ADDRESS_BLOCKED', `${hostname} is at a private or reserved address`)
    }
    return allowed
  }

  function open(
    target: Target,
    addresses: readonly string[],
    certificate: ClientCertificate | undefined,
    onBytes: OnBytes,
  ): Socket {
    const to = {
      host: target.hostname,
      port: target.port,
      lookup: pinnedTo(addresses),
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: nextAddressMs,
      noDelay: true,
      onread: { buffer, callback: (length: number) => onBytes(length, buffer) },
    }
    if (!target.secure) return netConnect(to)
    const sessionKey = `${target.origin} ${certificate?.certPem ?? ''}`
    const session = sessions.get(sessionKey)
    const socket = tlsConnect({
      ...to,
      secureContext: contextOf(certificate),
      // An address can't be a server name (RFC 6066, 3); the certificate is then checked against the address.
      servername: isIP(target.hostname) === 0 ? target.hostname : '',
      ALPNProtocols: ['http/1.1'],
      // Said aloud, because NODE_TLS_REJECT_UNAUTHORIZED=0 would change the default.
      rejectUnauthorized: true,
      ...(session && { session }),
    })
    socket.on('session', fresh => remember(sessions, sessionKey, fresh, maxSessions))
    return socket
  }

  return async (target, certificate, signal, onBytes, dialling) => {
    signal.throwIfAborted()
    const startedMs = performance.now()
    const givenUp = Promise.withResolvers<never>()
    givenUp.promise.catch(() => {})
    const timer = setTimeout(() => {
      givenUp.reject(new EgressError('ETIMEDOUT', `no connection within ${options.connectTimeoutMs} ms`))
    }, options.connectTimeoutMs)
    const onAbort = () => givenUp.reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    let socket: Socket | undefined
    try {
      const addresses = await Promise.race([allowedAddresses(target), givenUp.promise])
      const resolvedMs = performance.now()
      if (isIP(target.hostname) === 0) dialling.dnsMs = resolvedMs - startedMs
      dialling.address = addresses
        .slice(0, 3)
        .map(address => withPort(address, target.port))
        .join(', ')
      socket = open(target, addresses, certificate, onBytes)
      socket.once('connect', () => {
        dialling.connectMs = performance.now() - resolvedMs
      })
      await Promise.race([once(socket, target.secure ? 'secureConnect' : 'connect'), givenUp.promise])
      // Only what was checked can have been dialled; this holds even if node should one day not use `lookup`.
      if (!isAllowed(target, socket.remoteAddress ?? '')) {
        throw new EgressError('FAIRLEAD_ADDRESS_BLOCKED', `${target.hostname} was reached at another address`)
      }
      dialling.address = withPort(socket.remoteAddress ?? '', target.port)
      if (target.secure) dialling.tlsMs = performance.now() - resolvedMs - (dialling.connectMs ?? 0)
      return socket
    } catch (error) {
      socket?.destroy()
      throw error
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      // Until the HTTP client listens, and after it has let go.
      socket?.on('error', () => {})
    }
  }
}

const withPort = (address: string, port: number): string =>
  isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`

/** Answers net.connect's question for the name with the addresses that were checked. */
function pinnedTo(addresses: readonly string[]): LookupFunction {
  const answers = addresses.map(address => ({ address, family: isIP(address) }))
  return (_hostname, asked, callback) => {
    if (asked.all) callback(null, answers)
    else callback(null, answers[0]!.address, answers[0]!.family)
  }
}

/** A TLS context for each client certificate, kept: making one costs more than a request. */
function openContexts(extraCas: readonly string[]) {
  const ca = extraCas.length > 0 ? [...getCACertificates('default'), ...extraCas] : undefined
  const create = (certificate?: ClientCertificate) =>
    createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca && { ca }),
      ...(certificate && { cert: certificate.certPem, key: certificate.keyPem }),
    })
  const anonymous = create()
  const named = new Map<string, SecureContext>()
  return (certificate: ClientCertificate | undefined): SecureContext => {
    if (!certificate) return anonymous
    const key = certificate.certPem + certificate.keyPem
    const known = named.get(key)
    if (known) return known
    try {
      const context = create(certificate)
      remember(named, key, context, 1000)
      return context
    } catch {
      throw new EgressError(
        'FAIRLEAD_CLIENT_CERTIFICATE',
        "the destination's client certificate can not be read",
      )
    }
  }
}

/** Keeps the newest `limit` entries. */
function remember<V>(map: Map<string, V>, key: string, value: V, limit: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= limit) return
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}
