import { once } from 'node:events'
import type { Run } from '@fairlead/daemon/run'
import { openTracing } from '@fairlead/telemetry/tracing'
import { connectNats } from '@fairlead/wire/connect'
import { natsLogin } from '@fairlead/wire/environment'
import type { WorkerConfig } from './config.ts'
import { compileAddressPolicy } from './egress/address.ts'
import { openResolver } from './egress/resolve.ts'
import { openSender } from './egress/send.ts'
import { compilePortPolicy } from './egress/target.ts'
import { openWorker } from './worker.ts'

/** Runs a worker until the signal aborts. */
export const run: Run<WorkerConfig> = async (config, signal, { log, registry, health }) => {
  await using stack = new AsyncDisposableStack()
  // Closed last: the spans of what is finished at the end are sent too.
  const tracing = stack.use(await openTracing({ part: 'worker', environment: config, registry }))
  const nats = await connectNats({ ...natsLogin(config), name: 'worker' })
  stack.defer(() => nats.drain())
  const resolver = stack.use(openResolver())
  const sender = stack.use(
    openSender({
      policy: compileAddressPolicy({ allowCidrs: splitList(config.FAIRLEAD_DESTINATION_ALLOW) }),
      ports: compilePortPolicy(config.FAIRLEAD_DESTINATION_PORTS),
      resolve: resolver.resolve,
      ...(config.FAIRLEAD_PROBER_SINK_URL && {
        trustedOrigin: new URL(config.FAIRLEAD_PROBER_SINK_URL).origin,
      }),
      maxConnections: Math.max(4096, 2 * config.FAIRLEAD_WORKER_SLOTS),
    }),
  )
  const worker = stack.use(await openWorker(config, { nats, sender, registry, log, tracing }))
  stack.use(
    health.check('worker.partitions', () =>
      worker.mayStart
        ? worker.readiness().partitions
        : 'NATS took no heartbeat or no outcome lately: nothing new is attempted',
    ),
  )
  stack.use(health.check('worker.pulling', () => worker.readiness().pulling))
  stack.use(health.check('worker.config', () => worker.readiness().config))
  if (!signal.aborted) await once(signal, 'abort')
}

const splitList = (text: string): string[] =>
  text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
