import { mkdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openArrivals } from '@fairlead/testbed/load/arrivals'
import { startSubject } from '@fairlead/testbed/load/subject'
import { cpuPerItem, readCpu } from './cpu.ts'
import { drive, type Targets } from './drive.ts'
import { judge } from './judge.ts'
import { tenantsOf } from './organizations-of.ts'
import { htmlOf, type Report, reportOf } from './report.ts'
import { findScenario, type Scenario, scaled } from './scenarios.ts'

/**
 * Runs one scenario of `scenarios.ts` against `npm start` on this machine, as an open loop: times count from when a request was
 * due. Ends with 1 if a limit is broken.
 *
 *   node load-tests/run.ts end-to-end [--seconds 0.1] [--rate 0.5] [--times 2] [--report folder]
 *
 * --seconds and --rate multiply those of the scenario; --times multiplies limits on times, for a slower machine.
 */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '1' },
      rate: { type: 'string', default: '1' },
      times: { type: 'string', default: '1' },
      report: { type: 'string' },
    },
  })
  const scenario = scaled(findScenario(positionals[0] ?? ''), {
    seconds: Number(values.seconds),
    rate: Number(values.rate),
  })
  const report = await runHere(scenario, Number(values.times))
  for (const { figure, flow = 'all flows', value, atMost, kept } of report.verdicts)
    console.log(`${kept ? 'kept  ' : 'BROKEN'} ${figure} of ${flow}: ${value.toFixed(3)}, at most ${atMost}`)
  const cpu = Object.entries(report.cpu).map(([part, micros]) => `${part} ${Math.round(micros)}`)
  console.log(`CPU µs a webhook: ${cpu.join(', ')}`)
  if (values.report) {
    await mkdir(values.report, { recursive: true })
    await writeFile(join(values.report, `${scenario.name}.json`), JSON.stringify(report, null, 2))
    await writeFile(join(values.report, `${scenario.name}.html`), htmlOf(report))
  }
  if (!report.kept) process.exitCode = 1
}

async function runHere(scenario: Scenario, times: number): Promise<Report> {
  await using arrivals = await openArrivals()
  await using subject = await startSubject(tenantsOf(scenario, `http://127.0.0.1:${arrivals.port}`))
  const targets: Targets = {
    receiverUrl: `http://127.0.0.1:${subject.settings.receiverPort}`,
    arrivals,
  }
  const startedAt = new Date().toISOString()
  const roots = { ...(await subject.pids()), generator: process.pid }
  const before = readCpu(roots)
  const fates = await drive(scenario, targets)
  const cpu = Object.fromEntries(cpuPerItem(before, readCpu(roots), fates.length))
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`
  return reportOf(scenario, fates, judge(fates, scenario.limits, times), { startedAt, machine, cpu })
}

if (import.meta.main) await main()
