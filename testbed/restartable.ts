import type { Server } from '@fairlead/servers/processes'

/** A server that a test may stop, kill and start again on the same port with the same data. */
export interface Restartable extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** The running process's; another one after `restart`. */
  readonly pid: number
  stop(): Promise<void>
  kill9(): Promise<void>
  /** After `stop` or `kill9`. */
  restart(): Promise<void>
}

/** Starts a server on a free port; from then on it owns `cleanup` too. */
export async function restartable(
  start: (port: number) => Promise<Server>,
  cleanup: AsyncDisposableStack,
): Promise<Restartable> {
  let server = await start(0)
  cleanup.defer(() => server.stop())
  const held = cleanup.move()
  return {
    url: server.url,
    port: server.port,
    get pid() {
      return server.pid
    },
    stop: () => server.stop(),
    kill9: () => server.kill9(),
    async restart() {
      server = await start(server.port)
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
