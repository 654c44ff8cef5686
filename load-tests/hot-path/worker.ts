import { openLog } from '@fairlead/daemon/log'
import { openRegistry } from '@fairlead/daemon/metrics'
import { connectNats } from '@fairlead/wire/connect'
import { openPublisher } from '@fairlead/wire/publish'
import { attemptsSubject } from '@fairlead/wire/subjects'
import { workerConfig } from '@fairlead/worker/config'
import { type LogRecords, openLogRecords } from '@fairlead/worker/delivery/log-records'
import { compileAddressPolicy } from '@fairlead/worker/egress/address'
import { openResolver } from '@fairlead/worker/egress/resolve'
import { openSender } from '@fairlead/worker/egress/send'
import { openWorker } from '@fairlead/worker/worker'

/** A worker whose records for the event log can be switched off: `process.send({ records: false })`. Its argument is NATS' URL. */
const natsUrl = process.argv[2] ?? ''
const nats = await connectNats({ url: natsUrl, name: 'worker' })
const resolver = openResolver()
const policy = compileAddressPolicy({ allowCidrs: ['127.0.0.0/8'] })
const sender = openSender({ policy, ports: () => true, resolve: resolver.resolve })
const config = workerConfig.parse({
  FAIRLEAD_NATS_URL: natsUrl,
  FAIRLEAD_WORKER_NAME: 'measured',
  FAIRLEAD_ENCRYPTION_KEYS: process.env.FAIRLEAD_ENCRYPTION_KEYS,
})
let areStored = true
const stored = openLogRecords(openPublisher(nats), attemptsSubject('measured'), new AbortController().signal)
const records: LogRecords = {
  get late() {
    return stored.late
  },
  add(record, waiter) {
    if (areStored) stored.add(record, waiter)
    else queueMicrotask(() => waiter.done())
  },
}
const log = openLog({ service: 'worker', destination: { write() {} } })
await openWorker(config, { nats, sender, registry: openRegistry(), log, records })
process.on('message', (asked: { records: boolean }) => {
  areStored = asked.records
})
process.once('disconnect', () => process.exit())
