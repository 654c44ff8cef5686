import { cpus } from 'node:os'
import { openArrivals } from '@fairlead/testbed/load/arrivals'
import { drive } from './drive.ts'
import { judge } from './judge.ts'
import { reportOf } from './report.ts'
import { findScenario, scaled } from './scenarios.ts'
import { untilKnown } from './until-known.ts'

/**
 * A scenario within a cluster, as the container of the Job that `job.ts` prints: this file in one, run by the image's Node. The
 * destinations are this pod. It waits until receivers know the organizations, which were applied a moment ago. The last line that it prints is the report as JSON; ends with 1 if a limit is broken.
 */
const {
  SCENARIO = '',
  RECEIVER_URL = '',
  SINK_PORT = '8091',
  SECONDS = '1',
  RATE = '1',
  TIMES = '1',
  READY_SECONDS = '120',
} = process.env
const scenario = scaled(findScenario(SCENARIO), { seconds: Number(SECONDS), rate: Number(RATE) })
await using arrivals = await openArrivals({ port: Number(SINK_PORT), host: '0.0.0.0' })
await untilKnown(scenario, RECEIVER_URL, Number(READY_SECONDS) * 1_000).catch((error: Error) => {
  console.error(error.message)
  process.exit(1)
})
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
