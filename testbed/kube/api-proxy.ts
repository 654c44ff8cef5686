import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, createServer, request as httpsRequest } from 'node:https'
import { dirname, join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { TestKube } from './api-server.ts'

/** One request that came to the proxy. */
export interface ApiRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly isWatch: boolean
  /** Unix time, ms. */
  readonly at: number
}

/** What the proxy answers instead of the API server. */
export interface Fault {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Default: a Kubernetes Status of that code. */
  readonly body?: string
}

/**
 * A proxy before a real API server: counts requests, and answers some itself as a busy or a forgetful API server does.
 * Everything else passes on as it is, watches as they come.
 */
export interface ApiProxy extends AsyncDisposable {
  /** A kubeconfig for the administrator, through the proxy. */
  readonly kubeconfig: string
  /** All that came, in order, answered by whomever. */
  readonly requests: readonly ApiRequest[]
  /** From now on asked about each request; undefined: it passes on. Without one: all pass on. */
  answer(script: ((request: ApiRequest) => Fault | undefined) | undefined): void
  /** Ends the watches that are open with a last event, if there is one; without a word otherwise. */
  endWatches(lastEvent?: object): void
}

/** Starts a proxy before an API server, on a free port, with that server's own certificate. */
export async function startApiProxy(kube: TestKube): Promise<ApiProxy> {
  const home = dirname(kube.kubeconfig)
  const certificates = join(home, 'certificates')
  const [cert, key] = await Promise.all([
    readFile(join(certificates, 'apiserver.crt')),
    readFile(join(certificates, 'apiserver.key')),
  ])
  const target = new URL(kube.url)
  const agent = new Agent({ keepAlive: true, ca: cert })
  const requests: ApiRequest[] = []
  const watches = new Set<ServerResponse>()
  const sockets = new Set<Duplex>()
  let script: ((request: ApiRequest) => Fault | undefined) | undefined

  function pass(request: IncomingMessage, response: ServerResponse, isWatch: boolean): void {
    const { method, url, headers } = request
    const onward = httpsRequest({
      host: target.hostname,
      port: target.port,
      method,
      path: url,
      headers,
      agent,
    })
    const end = () => {
      onward.destroy()
      response.destroy()
    }
    onward.on('error', end)
    onward.on('response', answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.on('error', end)
      answer.pipe(response)
    })
    response.on('close', () => {
      watches.delete(response)
      onward.destroy()
    })
    if (isWatch) watches.add(response)
    request.pipe(onward)
  }

  const server = createServer({ cert, key }, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', kube.url)
    const isWatch = searchParams.get('watch') === 'true'
    const came: ApiRequest = {
      method: request.method ?? '',
      path: pathname,
      query: searchParams,
      isWatch,
      at: Date.now(),
    }
    requests.push(came)
    const fault = script?.(came)
    if (fault) {
      request.resume()
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers })
      response.end(fault.body ?? JSON.stringify(statusOf(fault.status)))
    } else pass(request, response, isWatch)
  })
  server.on('connection', socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  const url = `https://127.0.0.1:${address.port}`
  const kubeconfig = join(home, `proxy-${address.port}.kubeconfig`)
  const direct = await readFile(kube.kubeconfig, 'utf8')
  await writeFile(kubeconfig, direct.replaceAll(kube.url, url), { mode: 0o600 })
  return {
    kubeconfig,
    requests,
    answer: next => {
      script = next
    },
    endWatches(lastEvent) {
      for (const watch of watches) {
        if (lastEvent === undefined) watch.destroy()
        else watch.end(`${JSON.stringify(lastEvent)}\n`)
      }
    },
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
      agent.destroy()
      await once(server, 'close')
    },
  }
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts/ */
export function statusOf(code: number): object {
  const reasons: Readonly<Record<number, string>> = { 410: 'Expired', 429: 'TooManyRequests' }
  const reason = reasons[code] ?? 'InternalError'
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: `injected: ${reason}` }
}
