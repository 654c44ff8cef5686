import { createHash } from 'node:crypto'
import { classify, classifyError } from '@fairlead/webhook/classify'
import type { Outcome } from '@fairlead/webhook/outcome'
import type { Exchange } from '@fairlead/wire/exchange'
import type { AddressPolicy } from './address.ts'
import type { Remote } from './connection.ts'
import { type ConnectionCounts, openConnections } from './connections.ts'
import { type ClientCertificate, openDialer } from './dial.ts'
import { EgressError } from './egress-error.ts'
import { excerpt } from './excerpt.ts'
import { openExchangeRecorder } from './exchange-recorder.ts'
import { openHeaderWriter } from './headers.ts'
import { type Answer, type Ending, openPoster, type Post, type Traffic } from './post.ts'
import type { Resolve } from './resolve.ts'
import { type PortPolicy, parseTarget, type Target } from './target.ts'

/**
 * The outgoing side of the worker, from a request to how it ended:
 *
 *   send ─ URL, port ─▶ borrow a connection ─▶ dial: DNS, address, TCP, TLS ─▶ POST ─▶ answer ─▶ Outcome
 *
 * Disposing it closes all connections; what is still in flight ends as `worker_failed`.
 */
export interface Sender extends AsyncDisposable {
  /**
   * Makes one attempt. What can go wrong at the destination is an outcome.
   * @throws only what `signal` was aborted with: such an attempt has no outcome, and may have arrived
   */
  send(request: OutgoingRequest, signal: AbortSignal): Promise<Outcome>
  /**
   * The same way to a server whose answer matters (a token endpoint, a provider's API): its first 64 KiB, or as much as is asked for.
   * @throws the errors of `post` and `parseTarget`
   */
  ask(request: OutgoingRequest, signal: AbortSignal): Promise<Answer>
  readonly connections: ConnectionCounts
}

export interface OutgoingRequest {
  readonly url: string
  /** Names and values in turn. Those that can't be sent are dropped or made fit (`headers.ts`). */
  readonly headers: readonly string[]
  readonly body: Uint8Array
  /** GET: without a body. Default: POST. */
  readonly method?: 'GET' | undefined
  /** Bytes of the answer's body that `ask` keeps, and reads at most. Default: 64 KiB. */
  readonly answerBytes?: number | undefined
  /** Milliseconds from the call to the end of the response. */
  readonly timeoutMs: number
  readonly tls?: ClientCertificate | undefined
  /**
   * Whose request it is (the organization's id). Connections are never shared between owners, and bounded for each, so
   * that one whose requests hang can't take another's to the same host.
   */
  readonly owner?: string
  /** Whether a connection is dialled for it, although there may be one. Default: false. */
  readonly fresh?: boolean
  /** Lower-case names of headers whose values are secrets: they are not told. */
  readonly secretHeaders?: ReadonlySet<string>
  /** Is told what was sent and answered, before `send` resolves; not where nothing could be sent. */
  exchanged?(exchange: Exchange): void
}

export interface SenderOptions {
  readonly policy: AddressPolicy
  readonly ports: PortPolicy
  /** Scheme, host and port of the platform's own that may have any address. Default: none. */
  readonly trustedOrigin?: string
  readonly resolve: Resolve
  /** Certificate authorities in PEM that are trusted beside node's own. */
  readonly extraCas?: readonly string[]
  /** Milliseconds for DNS, TCP and TLS together. Default 5000. */
  readonly connectTimeoutMs?: number
  /** Connections of one owner to one origin. Default 64: above any destination's own concurrency. */
  readonly maxConnectionsPerOrigin?: number
  /** Connections in all, idle ones too. Default 4096, well below the usual limit of open files. */
  readonly maxConnections?: number
  /**
   * Milliseconds that an idle connection is kept. Default 55 000: just below the 60 to 75 s of usual load balancers,
   * because a new TLS connection costs thirty times a request on a kept one.
   */
  readonly idleMs?: number
  /** Milliseconds after which a connection is not used again, so that a changed DNS answer is followed. Default 120 000. */
  readonly lifetimeMs?: number
}

/** A response's head, and its body, as far as it is read. Larger heads fail; larger bodies are cut. */
const maxHeadBytes = 16 * 1024
const maxBodyBytes = 64 * 1024
/** Of a response's body, for people. */
const excerptBytes = 1024
type Keep = Pick<Post, 'keepBytes' | 'maxBytes'>
const keepExcerpt: Keep = { keepBytes: excerptBytes, maxBytes: maxBodyBytes }
const keepAll: Keep = { keepBytes: maxBodyBytes, maxBytes: maxBodyBytes }
const keepOf = ({ answerBytes }: OutgoingRequest): Keep =>
  answerBytes === undefined ? keepAll : { keepBytes: answerBytes, maxBytes: answerBytes }
/** Of requests that name none. */
const noSecretHeaders: ReadonlySet<string> = new Set()
/** URLs that are kept taken apart. */
const maxRemotes = 20_000

export function openSender(options: SenderOptions): Sender {
  const dial = openDialer({ ...options, connectTimeoutMs: options.connectTimeoutMs ?? 5000 })
  const connections = openConnections(dial, {
    perRemote: options.maxConnectionsPerOrigin ?? 64,
    total: options.maxConnections ?? 4096,
    idleMs: options.idleMs ?? 55_000,
    lifetimeMs: options.lifetimeMs ?? 120_000,
    maxHeadBytes,
  })
  const poster = openPoster(connections)
  const headerLines = openHeaderWriter()
  const remoteOf = openRemotes(options.ports)
  const record = openExchangeRecorder()

  function tell(request: OutgoingRequest, traffic: Traffic | undefined, answer: Answer | undefined): void {
    request.exchanged?.(
      record({
        target: remoteOf(request).target,
        headers: request.headers,
        bodyBytes: request.body.length,
        secretHeaders: request.secretHeaders ?? noSecretHeaders,
        traffic,
        answer,
      }),
    )
  }

  /** @throws EgressError for a URL that can't be used */
  function post(request: OutgoingRequest, signal: AbortSignal, keep: Keep, ending: Ending): void {
    const whole = {
      remote: remoteOf(request),
      headerLines: headerLines(request.headers),
      body: request.body,
      timeoutMs: request.timeoutMs,
      ...(request.fresh && { fresh: true }),
      ...(request.method && { method: request.method }),
      ...keep,
    }
    poster.post(whole, signal, ending)
  }

  return {
    send: (request, signal) =>
      // One promise for a delivery, not one for each step: this is the hot path.
      new Promise((resolve, reject) => {
        const failed = (error: unknown, traffic?: Traffic) => {
          if (signal.aborted) return reject(error)
          if (traffic) tell(request, traffic, undefined)
          resolve(failureOf(error))
        }
        const answered = (answer: Answer) => {
          try {
            tell(request, answer.traffic, answer)
            resolve(outcomeOf(answer, request.headers))
          } catch (error) {
            failed(error)
          }
        }
        try {
          post(request, signal, keepExcerpt, { answered, failed })
        } catch (error) {
          failed(error)
        }
      }),
    ask: (request, signal) =>
      new Promise((resolve, reject) =>
        post(request, signal, keepOf(request), { answered: resolve, failed: reject }),
      ),
    get connections() {
      return connections.counts
    },
    async [Symbol.asyncDispose]() {
      await connections[Symbol.asyncDispose]()
      poster[Symbol.dispose]()
    },
  }
}

/** A status is an outcome however the response ended, as long as it ended: a body cut for its size is no failure. */
function outcomeOf(answer: Answer, requestHeaders: readonly string[]): Outcome {
  const outcome = classify(answer, Date.now())
  if (outcome.kind === 'delivered') return outcome
  const reason = outcome.kind === 'redirected' ? redirectTo(answer.location) : undefined
  const said = reason ?? excerpt(answer, requestHeaders)
  return said === '' ? outcome : { ...outcome, reason: said }
}

/** Where a redirect leads, without its query, which may hold anything. */
function redirectTo(location: string | undefined): string | undefined {
  const url = location === undefined ? null : URL.parse(location, 'relative:/')
  if (!url) return undefined
  const where = url.protocol === 'relative:' ? url.pathname : `${url.origin}${url.pathname}`
  return `to ${where.slice(0, 190)}`
}

/** What an error of `ask` means, as an outcome. */
export function failureOf(error: unknown): Outcome {
  const outcome = classifyError(error)
  if (outcome.kind === 'delivered' || !(error instanceof EgressError)) return outcome
  return { ...outcome, reason: error.message }
}

/** URL, owner and certificate → remote, kept so that a URL isn't taken apart for each request. */
function openRemotes(ports: PortPolicy): (request: OutgoingRequest) => Remote {
  // Looked up by strings that the configuration holds: one that is put together would be hashed for each request.
  const byUrl = new Map<string, Map<string, Remote>>()
  let count = 0
  const identities = new WeakMap<ClientCertificate, string>()
  const identityOf = (certificate: ClientCertificate): string => {
    let identity = identities.get(certificate)
    if (identity === undefined) {
      identity = createHash('sha256').update(certificate.certPem).update(certificate.keyPem).digest('base64')
      identities.set(certificate, identity)
    }
    return identity
  }
  return ({ url, owner = '', tls }) => {
    const whose = tls ? `${owner} ${identityOf(tls)}` : owner
    let remotes = byUrl.get(url)
    let remote = remotes?.get(whose)
    if (!remotes || !remote) {
      const target: Target = parseTarget(url, ports)
      remote = { key: `${whose} ${target.origin}`, target, certificate: tls }
      if (++count > maxRemotes) {
        byUrl.clear()
        count = 1
        remotes = undefined
      }
      remotes ??= new Map()
      remotes.set(whose, remote)
      byUrl.set(url, remotes)
    }
    return remote
  }
}
