import { findNats, type NatsOptions, startNats } from '@fairlead/servers/nats'
import { type Restartable, restartable } from './restartable.ts'
import { scratchFolder } from './scratch.ts'

type Settings = Pick<NatsOptions, 'login' | 'syncAlways' | 'maxPayloadBytes'>

/** A nats-server of one's own with JetStream, on a free port; without an fsync for each message unless asked. */
export async function startTestNats(settings: Settings = {}): Promise<Restartable> {
  await using cleanup = new AsyncDisposableStack()
  const home = cleanup.use(await scratchFolder()).path
  const options = { home, program: await findNats(console.error), syncAlways: false, ...settings }
  return await restartable(port => startNats({ ...options, port }), cleanup)
}
