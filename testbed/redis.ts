import { findRedis, startRedis } from '@fairlead/servers/redis'
import { type Restartable, restartable } from './restartable.ts'
import { scratchFolder } from './scratch.ts'

/** A Redis of one's own on a free port. */
export async function startTestRedis(options: { readonly keep?: boolean } = {}): Promise<Restartable> {
  await using cleanup = new AsyncDisposableStack()
  const home = cleanup.use(await scratchFolder()).path
  const program = await findRedis(console.error)
  return await restartable(port => startRedis({ home, port, program, keep: options.keep ?? true }), cleanup)
}
