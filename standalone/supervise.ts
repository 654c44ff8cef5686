import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '@fairlead/daemon/log'
import type { Server } from '@fairlead/servers/processes'

/** More restarts than this within a minute mean that restarting doesn't help. */
const restartsPerMinute = 5

/** A server that can be kept running. */
export type Supervised = Pick<Server, 'pid' | 'port' | 'exited' | 'stop'>

/**
 * Keeps a server running: one that ends by itself is started again on the same port with the same data, because the
 * services hold its address and reconnect by themselves.
 * @param gaveUp is called once when it ends again and again, can't be started again, or says (`exited` rejects) that it
 * can't run
 */
export async function supervise<S extends Supervised>(
  name: string,
  port: number,
  start: (port: number) => Promise<S>,
  log: Log,
  gaveUp: (error: unknown) => void,
): Promise<AsyncDisposable & { readonly first: S }> {
  const first = await start(port)
  let server: Supervised = first
  let stopping = false
  const recent: number[] = []

  const watching = (async () => {
    for (;;) {
      const { code, signal } = await server.exited
      if (stopping) return
      log.error({ server: name, exitCode: code, signal }, 'server.died')
      const now = performance.now()
      recent.push(now)
      while (now - recent[0]! > 60_000) recent.shift()
      if (recent.length > restartsPerMinute)
        throw new Error(`${name} ended ${recent.length} times within a minute`)
      await delay(100 * 2 ** (recent.length - 1))
      if (stopping) return
      server = await start(first.port)
      log.warn({ server: name, pid: server.pid }, 'server.restarted')
    }
  })()
  watching.catch(gaveUp)

  return {
    first,
    async [Symbol.asyncDispose]() {
      stopping = true
      await server.stop()
      // A restart that was under way has its own server.
      await watching.catch(() => {})
      await server.stop()
    },
  }
}
