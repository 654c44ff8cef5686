import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openArrivals } from '@fairlead/testbed/load/arrivals'
import { openLoadSender, type Sent } from '@fairlead/testbed/load/sender'
import { loadSecret, startSubject } from '@fairlead/testbed/load/subject'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { until } from '@fairlead/testbed/until'
import { costsOf, type Profile } from './profile-costs.ts'

/**
 * Where the processor time of a webhook goes in Fairlead's main process and in its receiver: V8's sampled profile, of
 * the seconds under load alone.
 *
 *   node load-tests/profile.ts [--seconds 15] [--connections 64] [--rate 500] [--show 40] [--keep /tmp/profiles]
 *
 * Without `--rate` the load is a closed loop. Costs are in µs a webhook, by part and by function. Sampling itself takes some 5 to
 * 10 %, so sums are larger than those of `webhooks.ts`.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '15' },
    connections: { type: 'string', default: '64' },
    rate: { type: 'string' },
    show: { type: 'string', default: '40' },
    keep: { type: 'string' },
  },
})
const seconds = Number(values.seconds)
const sent: Sent[] = []
/** µs of the monotonic clock, which V8's profiles count in as well. */
const clock = () => Number(process.hrtime.bigint() / 1_000n)

await using scratch = await scratchFolder()
const folder = values.keep ?? scratch.path
const pids: Record<string, number> = {}
let startMicros: number
let endMicros: number
{
  await using arrivals = await openArrivals()
  const destinationUrl = `http://127.0.0.1:${arrivals.port}/hooks`
  await using subject = await startSubject([{ name: 'load', destinationUrl }], {
    NODE_OPTIONS: `--cpu-prof --cpu-prof-interval=500 --cpu-prof-dir=${folder}`,
  })
  for (const name of ['fairlead', 'receiver', 'worker'] as const)
    pids[name] = await subject.standalone.pidOf(name)
  const options = { url: subject.sourceUrl('load'), secret: loadSecret, bodyBytes: 2048 }
  await using sender = await openLoadSender({ ...options, connections: Number(values.connections) })
  await sender.atRate(200, 5, () => {})
  startMicros = clock()
  if (values.rate) await sender.atRate(Number(values.rate), seconds, one => sent.push(one))
  else await sender.asFastAsPossible(seconds, one => sent.push(one))
  const accepted = sent.filter(({ id }) => id !== undefined)
  await until(() => accepted.every(({ id }) => arrivals.events.has(id!)), { deadlineMs: 60_000, everyMs: 50 })
  endMicros = clock()
}
console.log(`${sent.length} webhooks in ${((endMicros - startMicros) / 1e6).toFixed(1)} s`)
for (const file of await readdir(folder)) {
  const name = Object.keys(pids).find(name => file.split('.')[3] === String(pids[name]))
  if (!name) continue
  const profile = JSON.parse(await readFile(join(folder, file), 'utf8')) as Profile
  const { total, byPart, byFunction } = costsOf(profile, startMicros, endMicros)
  const each = (micros: number) => (micros / sent.length).toFixed(1).padStart(7)
  const share = (micros: number) => `${((micros / total) * 100).toFixed(1).padStart(5)} %`
  console.log(`\n${name}: ${each(total)} µs a webhook\n  by part`)
  for (const [part, micros] of byPart.slice(0, Number(values.show)))
    console.log(`  ${each(micros)} ${share(micros)}  ${part}`)
  console.log('  by function')
  for (const [part, micros] of byFunction.slice(0, Number(values.show)))
    console.log(`  ${each(micros)} ${share(micros)}  ${part}`)
}
