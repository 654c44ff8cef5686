import { cpus } from 'node:os'
import { openArrivals } from '@fairlead/testbed/load/arrivals'
import { drive } from './drive.ts'
import { judge } from './judge.ts'
import { reportOf } from './report.ts'
import { findScenario, scaled } from './scenarios.ts'

/**
 * A scenario within a cluster, as the container of the Job that `job.ts` prints: this file in one, run by the image's Node. The
 * destinations are this pod. The last line that it prints is the report as JSON; ends with 1 if a limit is broken.
 */
const {
  SCENARIO = '',
  RECEIVER_URL = '',
  SINK_PORT = '8091',
  SECONDS = '1',
  RATE = '1',
  TIMES = '1',
} = process.env
const scenario = scaled(findScenario(SCENARIO), { seconds: Number(SECONDS), rate: Number(RATE) })
await using arrivals = await openArrivals({ port: Number(SINK_PORT), host: '0.0.0.0' })
const startedAt = new Date().toISOString()
const fates = await drive(scenario, { receiverUrl: RECEIVER_URL, arrivals })
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`
const report = reportOf(scenario, fates, judge(fates, scenario.limits, Number(TIMES)), {
  startedAt,
  machine,
  cpu: {},
})
console.log(JSON.stringify(report))
process.exitCode = report.kept ? 0 : 1
