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

/** @param ca the certificate of the API server, which signed it itself */
export function openApiCalls(url: string, token: string, ca: Buffer): ApiCalls & Disposable {
  const agent = new Agent({ keepAlive: true, ca, maxSockets: 8 })
  const send = (method: string, path: string, type: string, body?: object): Promise<Said> =>
    new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        ...(body && { 'content-type': type }),
      }
      const asked = request(url + path, { method, agent, headers }, async answer => {
        try {
          const said = JSON.parse(await text(answer)) as { message?: string }
          if (answer.statusCode! < 300) resolve({ said, warning: answer.headers.warning })
          else reject(new Error(said.message))
        } catch (error) {
          reject(error)
        }
      })
      // The API server has closed a connection that was idle, or was restarted.
      asked.on('error', error =>
        asked.reusedSocket ? resolve(send(method, path, type, body)) : reject(error),
      )
      asked.end(body && JSON.stringify(body))
    })
  return {
    call: async (method, path, body) => (await send(method, path, 'application/json', body)).said,
    async dryRun(path, object) {
      const query = 'dryRun=All&fieldManager=kubectl&fieldValidation=Strict'
      const { said, warning } = await send('POST', `${path}?${query}`, 'application/json', object)
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
      await send('PATCH', `${path}?${query}`, 'application/apply-patch+yaml', object)
    },
    [Symbol.dispose]: () => agent.destroy(),
  }
}
