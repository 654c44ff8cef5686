import { openRegistry } from '@fairlead/daemon/metrics'
import { connectNats } from '@fairlead/wire/connect'
import { openPublisher } from '@fairlead/wire/publish'
import { attemptsSubject } from '@fairlead/wire/subjects'
import { type LogRecords, openLogRecords } from '@fairlead/worker/delivery/log-records'
import { openMeasuredWorker, workerName } from '../open-worker.ts'

/** A worker whose records for the event log can be switched off: `process.send({ records: false })`. Its argument is NATS' URL. */
const natsUrl = process.argv[2] ?? ''
const nats = await connectNats({ url: natsUrl, name: 'worker' })
let areStored = true
const stored = openLogRecords(openPublisher(nats), attemptsSubject(workerName), new AbortController().signal)
const records: LogRecords = {
  get late() {
    return stored.late
  },
  add(record, waiter) {
    if (areStored) stored.add(record, waiter)
    else queueMicrotask(() => waiter.done())
  },
}
await openMeasuredWorker(nats, natsUrl, openRegistry(), records)
process.on('message', (asked: { records: boolean }) => {
  areStored = asked.records
})
