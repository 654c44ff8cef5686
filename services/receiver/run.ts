import { once } from 'node:events'
import type { Daemon } from '@fairlead/daemon/run'
import { openTracing } from '@fairlead/telemetry/tracing'
import { openKeyFetch } from '@fairlead/webhook/fetch-keys'
import { connectNats } from '@fairlead/wire/connect'
import { natsLogin } from '@fairlead/wire/environment'
import type { ReceiverConfig } from './config.ts'
import { type BacklogFeed, openReceiver } from './receiver.ts'

/**
 * Runs a receiver until the signal aborts.
 * @param backlog where workers share its processors: see `ReceiverTools`
 */
export async function run(
  config: ReceiverConfig,
  signal: AbortSignal,
  { log, registry, health }: Daemon,
  backlog?: BacklogFeed,
): Promise<void> {
  await using stack = new AsyncDisposableStack()
  // Closed last: the spans of what is answered at the end are sent too.
  const tracing = stack.use(await openTracing({ part: 'receiver', environment: config, registry }))
  const nats = await connectNats({ ...natsLogin(config), name: 'receiver' })
  stack.defer(() => nats.close())
  const receiver = stack.use(
    await openReceiver(config, {
      nats,
      registry,
      log,
      fetchKey: openKeyFetch(),
      tracing,
      ...(backlog && { backlog }),
    }),
  )
  stack.use(health.check('receiver.nats', () => (receiver.connected ? undefined : 'not connected to NATS')))
  stack.use(health.check('receiver.config', () => receiver.configFault))
  if (!signal.aborted) await once(signal, 'abort')
  // No longer ready: connections are taken until the Service sends none here any more.
  await receiver.leave(config.FAIRLEAD_DRAIN_DELAY_MS)
}
