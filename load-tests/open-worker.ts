import { openLog } from '@fairlead/daemon/log'
import type { connectNats } from '@fairlead/wire/connect'
import { workerConfig } from '@fairlead/worker/config'
import type { LogRecords } from '@fairlead/worker/delivery/log-records'
import { compileAddressPolicy } from '@fairlead/worker/egress/address'
import { openResolver } from '@fairlead/worker/egress/resolve'
import { openSender } from '@fairlead/worker/egress/send'
import { openWorker } from '@fairlead/worker/worker'
import type { Registry } from 'prom-client'

/** The name of a worker that is measured. */
export const workerName = 'measured'

/**
 * Opens a worker whose log goes nowhere and that delivers to this machine. Its process ends with the one that started it.
 *
 * @param records where its records for the event log go; default: to their stream
 */
export async function openMeasuredWorker(
  nats: Awaited<ReturnType<typeof connectNats>>,
  natsUrl: string,
  registry: Registry,
  records?: LogRecords,
): Promise<void> {
  const resolver = openResolver()
  const policy = compileAddressPolicy({ allowCidrs: ['127.0.0.0/8'] })
  const sender = openSender({ policy, ports: () => true, resolve: resolver.resolve })
  const config = workerConfig.parse({
    FAIRLEAD_NATS_URL: natsUrl,
    FAIRLEAD_WORKER_NAME: workerName,
    FAIRLEAD_ENCRYPTION_KEYS: process.env.FAIRLEAD_ENCRYPTION_KEYS,
  })
  const log = openLog({ service: 'worker', destination: { write() {} } })
  await openWorker(config, { nats, sender, registry, log, ...(records && { records }) })
  process.once('disconnect', () => process.exit())
}
