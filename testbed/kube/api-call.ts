import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'

/**
 * Calls the API server's HTTP API as the administrator, and answers with what it says. Rejects with its own message where it
 * refuses. Costs a millisecond or two where kubectl takes a third of a second of a processor: a test that asks again and
 * again calls this.
 */
export interface ApiCalls {
  // biome-ignore lint/suspicious/noExplicitAny: tests read objects of every kind
  call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<any>
  /** Server-side apply, as `kubectl apply --server-side` does, strictly. @param options.manager default: kubectl's */
  apply(
    path: string,
    object: object,
    options?: { readonly manager?: string; readonly force?: boolean },
  ): Promise<void>
  /** What it would make, where it refuses nothing and warns of nothing: as `kubectl create --dry-run=server --validate=strict` does. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read objects of every kind
  dryRun(path: string, object: object): Promise<any>
}

interface Said {
  readonly said: unknown
  readonly warning: string | undefined
}

interface Asked {
  readonly method: string
  readonly path: string
  readonly type: string
  readonly body?: object
  /** Whether twice is as good as once. */
  readonly repeatable: boolean
}

/**
 * @param ca the certificate of the API server, which signed it itself
 * @param timeoutMs how long the API server may send nothing while a request waits for its answer; default 30,000
 */
export function openApiCalls(
  url: string,
  token: string,
  ca: Buffer,
  timeoutMs = 30_000,
): ApiCalls & Disposable {
  const kept = new Agent({ keepAlive: true, ca, maxSockets: 8 })
  // An API server that closes a connection or is restarted leaves open whether it has done what was asked: so what must not be
  // repeated has a connection of its own, which no earlier request left behind.
  const fresh = new Agent({ ca, maxSockets: 8 })
  const send = (asking: Asked): Promise<Said> =>
    new Promise((resolve, reject) => {
      const { method, path, type, body, repeatable } = asking
      const agent = repeatable ? kept : fresh
      const headers = {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        ...(body && { 'content-type': type }),
      }
      const asked = request(url + path, { method, agent, headers, timeout: timeoutMs }, async answer => {
        try {
          const said = JSON.parse(await text(answer)) as { message?: string }
          if (answer.statusCode! < 300) resolve({ said, warning: answer.headers.warning })
          else reject(new Error(said.message))
        } catch (error) {
          reject(error)
        }
      })
      asked.on('timeout', () => {
        asked.destroy(new Error(`${method} ${path}: no answer of the API server in ${timeoutMs / 1000} s`))
      })
      asked.on('error', (error: NodeJS.ErrnoException) => {
        // The API server has closed a connection that was idle, or was restarted.
        const isStale = asked.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
        if (isStale && repeatable) resolve(send(asking))
        else reject(error)
      })
      asked.end(body && JSON.stringify(body))
    })
  return {
    async call(method, path, body) {
      const asking = { method, path, type: 'application/json', repeatable: method === 'GET' }
      return (await send(body ? { ...asking, body } : asking)).said
    },
    async dryRun(path, object) {
      const query = 'dryRun=All&fieldManager=kubectl&fieldValidation=Strict'
      const { said, warning } = await send({
        method: 'POST',
        path: `${path}?${query}`,
        type: 'application/json',
        body: object,
        repeatable: true,
      })
      // RFC 9110: code, agent, and the text in quotation marks.
      if (warning !== undefined) throw new Error(warning.replaceAll('\\"', '"'))
      return said
    },
    async apply(path, object, { manager = 'kubectl', force = false } = {}) {
      const query = new URLSearchParams({
        fieldManager: manager,
        fieldValidation: 'Strict',
        force: String(force),
      })
      await send({
        method: 'PATCH',
        path: `${path}?${query}`,
        type: 'application/apply-patch+yaml',
        body: object,
        repeatable: true,
      })
    },
    [Symbol.dispose]() {
      kept.destroy()
      fresh.destroy()
    },
  }
}
