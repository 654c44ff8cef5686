import type { Http2Session } from 'node:http2'
import { Http2SessionManager } from '@connectrpc/connect-node'

/**
 * The connections to a store, one at a time. When the store closes a connection in order while no call is under way, the library destroys
 * it with an error, which Node raises once the socket is closed. If a call has opened another connection meanwhile, the library
 * no longer listens, and an error without a listener ends the process: a restart of the store would take API and operator with it.
 * So each connection has a listener of ours beside the library's. https://github.com/connectrpc/connect-es/issues/1768
 */
export class StoreSessions extends Http2SessionManager {
  readonly #heard = new WeakSet<Http2Session>()

  override async request(...asked: Parameters<Http2SessionManager['request']>) {
    const stream = await super.request(...asked)
    const { session } = stream
    if (session && !this.#heard.has(session)) {
      this.#heard.add(session)
      session.on('error', () => {})
    }
    return stream
  }
}
