import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { openTokenBucket } from '@fairlead/daemon/token-bucket'
import { KubeConfig } from '@kubernetes/client-node'
import { z } from 'zod'

/** An answer of the API server that is no success. `reason` is its own word: Conflict, Forbidden, NotFound … */
export class KubernetesError extends Error {
  readonly code = 'kubernetes_refused'
  readonly status: number
  readonly reason: string
  /** How long the API server asks to wait, if it does. */
  readonly retryAfterMs: number | undefined

  constructor(status: number, reason: string, message: string, retryAfterMs?: number) {
    super(message)
    this.name = 'KubernetesError'
    this.status = status
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

export interface KubernetesRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Absolute, such as `/api/v1/namespaces/x/secrets/y`. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Default application/json. */
  readonly contentType?: string
  /** Default application/json. */
  readonly accept?: string
  readonly signal?: AbortSignal
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: unknown
}

/**
 * The Kubernetes API: paths and JSON. The client library brings its configuration (in the cluster, or a kubeconfig)
 * and signs in; requests are ours, because its informer stops for good after errors, and it opens a connection for
 * each request.
 */
export interface KubernetesClient extends Disposable {
  /** The namespace of the pod, or of the kubeconfig's context. */
  readonly namespace: string
  /** How many requests were made, watches and those for leases aside. */
  readonly requests: number
  /** The answer's JSON. Throws a KubernetesError, or the error of a broken connection. */
  call(request: KubernetesRequest): Promise<unknown>
  /** As `call`; undefined for 404. */
  find(request: KubernetesRequest): Promise<unknown>
  /**
   * Server-side apply (https://kubernetes.io/docs/reference/using-api/server-side-apply/): sets the given fields,
   * and removes fields that this manager set before and no longer gives.
   */
  apply(path: string, object: object, query?: Readonly<Record<string, string>>): Promise<unknown>
  /** The events of a watch, until the server ends it, it goes silent, or the signal aborts. */
  watch(request: Omit<KubernetesRequest, 'method' | 'body'>): AsyncIterable<WatchEvent>
}

/** Who owns the fields that the operator writes. */
export const fieldManager = 'fairlead-operator'

/** From the request to the answer's end, ms; a watch has no end but must not be silent for longer than this. */
const requestTimeoutMs = 30_000
/** The API server sends bookmarks about every minute, so a watch that is silent for longer has lost its connection. */
const silentWatchMs = 120_000

/** @param requestsPerSecond leases and watches aside: ten thousand Organizations take seven minutes, and leave room for others */
export async function openKubernetes(
  config = defaultConfig(),
  requestsPerSecond = 150,
): Promise<KubernetesClient> {
  const cluster = config.getCurrentCluster()
  if (!cluster) {
    throw new TypeError(
      'there is no Kubernetes API: run in a cluster, give a kubeconfig with a current context (KUBECONFIG), or a folder of files (FAIRLEAD_ORGANIZATIONS)',
    )
  }
  const server = new URL(cluster.server)
  const credentials: RequestOptions = {}
  await config.applyToHTTPSOptions(credentials)
  const tls = {
    ca: credentials.ca,
    cert: credentials.cert,
    key: credentials.key,
    rejectUnauthorized: !cluster.skipTLSVerify,
  }
  const agent = new Agent({ ...tls, keepAlive: true, maxSockets: 16 })
  const watchAgent = new Agent(tls)

  async function send(
    wanted: KubernetesRequest,
    through: Agent,
    timeoutMs: number,
  ): Promise<IncomingMessage> {
    const options: RequestOptions = {}
    // For each request anew: a pod's token is replaced while it runs.
    await config.applyToHTTPSOptions(options)
    const body = wanted.body === undefined ? undefined : JSON.stringify(wanted.body)
    const query = new URLSearchParams(wanted.query)
    const request = httpsRequest({
      host: server.hostname,
      port: server.port || 443,
      method: wanted.method,
      path: `${server.pathname.replace(/\/$/, '')}${wanted.path}${query.size > 0 ? `?${query}` : ''}`,
      headers: {
        ...options.headers,
        accept: wanted.accept ?? 'application/json',
        'user-agent': fieldManager,
        ...(body === undefined
          ? {}
          : {
              'content-type': wanted.contentType ?? 'application/json',
              'content-length': Buffer.byteLength(body),
            }),
      },
      agent: through,
      timeout: timeoutMs,
      ...(wanted.signal ? { signal: wanted.signal } : {}),
    })
    request.on('timeout', () => request.destroy(new Error(`the API server said nothing for ${timeoutMs} ms`)))
    request.end(body)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    // Later errors reach the reader of the response.
    request.on('error', () => {})
    if ((response.statusCode ?? 0) >= 400) throw await readError(response)
    return response
  }

  const bucket = openTokenBucket({ perSecond: requestsPerSecond })
  let before: Promise<void> = Promise.resolve()

  /** Waits for a turn at the API server, in the order of asking. */
  function turn(): Promise<void> {
    const waited = before.then(async () => {
      for (let waitMs = 1; waitMs > 0; ) {
        waitMs = bucket.take(performance.now())
        if (waitMs > 0) await delay(waitMs)
      }
    })
    before = waited
    return waited
  }

  let requests = 0
  const call: KubernetesClient['call'] = async wanted => {
    // A leader must not lose its lease because it has much to do.
    if (!wanted.path.includes('/leases')) {
      requests++
      await turn()
    }
    const response = await send(wanted, agent, requestTimeoutMs)
    return JSON.parse(await text(response))
  }
  return {
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    get requests() {
      return requests
    },
    call,
    async find(wanted) {
      try {
        return await call(wanted)
      } catch (error) {
        if (error instanceof KubernetesError && error.status === 404) return undefined
        throw error
      }
    },
    apply: (path, object, query = {}) =>
      call({
        method: 'PATCH',
        path,
        query: { fieldManager, force: 'true', ...query },
        body: object,
        contentType: 'application/apply-patch+yaml',
      }),
    async *watch(wanted) {
      const query = { ...wanted.query, watch: 'true', allowWatchBookmarks: 'true' }
      const response = await send({ ...wanted, query, method: 'GET' }, watchAgent, silentWatchMs)
      try {
        for await (const line of linesOf(response)) yield watchEvent.parse(JSON.parse(line))
      } finally {
        response.destroy()
      }
    },
    [Symbol.dispose]() {
      agent.destroy()
      watchAgent.destroy()
    },
  }
}

/** Not readline's: that doesn't pass on how the stream broke. */
async function* linesOf(response: IncomingMessage): AsyncIterable<string> {
  let rest = ''
  for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') yield line
  }
}

const watchEvent = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.unknown(),
})

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
const status = z.object({
  code: z.number().optional(),
  reason: z.string().default(''),
  message: z.string().default(''),
})

async function readError(response: IncomingMessage): Promise<KubernetesError> {
  const body = await text(response)
  const retryAfter = Number(response.headers['retry-after'])
  const code = response.statusCode ?? 0
  let parsed: z.infer<typeof status> = { reason: '', message: body.slice(0, 500) }
  try {
    parsed = status.parse(JSON.parse(body))
  } catch {
    // A proxy's page, or a sentence: as it stands.
  }
  return new KubernetesError(
    code,
    parsed.reason,
    parsed.message,
    retryAfter > 0 ? retryAfter * 1000 : undefined,
  )
}

/** The error that a watch sends instead of an object when it can't go on. */
export function errorOfWatch(object: unknown): KubernetesError {
  const { code = 0, reason, message } = status.parse(object)
  return new KubernetesError(code, reason, message)
}

function defaultConfig(): KubeConfig {
  const config = new KubeConfig()
  config.loadFromDefault()
  return config
}
