import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Run } from '@fairlead/daemon/run'
import { openKeyFetch } from '@fairlead/webhook/fetch-keys'
import { connectNats } from '@fairlead/wire/connect'
import type { ReceiverConfig } from './config.ts'
import { openReceiver } from './receiver.ts'

/** Runs a receiver until the signal aborts. */
export const run: Run<ReceiverConfig> = async (config, signal, { log, registry, health }) => {
  const nats = await connectNats({ url: config.FAIRLEAD_NATS_URL, name: 'receiver' })
  await using stack = new AsyncDisposableStack()
  stack.defer(() => nats.close())
  const receiver = stack.use(await openReceiver(config, { nats, registry, log, fetchKey: openKeyFetch() }))
  stack.use(health.check('receiver.nats', () => (receiver.connected ? undefined : 'not connected to NATS')))
  if (!signal.aborted) await once(signal, 'abort')
  // Not ready any more; whoever still sends here has so long to notice before connections are refused.
  await delay(config.FAIRLEAD_DRAIN_DELAY_MS)
}
