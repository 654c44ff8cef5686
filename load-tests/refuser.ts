import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'

/**
 * A bare node:http server, a process of its own, that refuses every request without looking at it. On processors that
 * are all busy its answers wait as well: how long, in the same seconds, is what Fairlead's refusals are compared with.
 */
export interface Refuser extends AsyncDisposable {
  readonly url: string
}

export async function startRefuser(): Promise<Refuser> {
  const child = fork(import.meta.filename, ['--serve'], { detached: true })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return {
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      child.disconnect()
      await once(child, 'exit')
    },
  }
}

async function serve(): Promise<void> {
  const server = createServer((_request, response) => {
    response.writeHead(503, { 'retry-after': '1', 'content-length': 0 }).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.send?.(server.address())
  process.once('disconnect', () => process.exit())
}

if (process.argv[2] === '--serve') await serve()
