import { parseArgs } from 'node:util'
import { openArrivals } from '@fairlead/testbed/load/arrivals'
import { openLoadSender } from '@fairlead/testbed/load/sender'
import { loadSecret, type Subject, startSubject } from '@fairlead/testbed/load/subject'
import { until } from '@fairlead/testbed/until'
import { type Mood, type Moody, openMoody } from './moody.ts'
import { flow, readMetric, type Traffic, untilCalm } from './neighbours.ts'
import { percentile } from './percentile.ts'

/**
 * What one tenant's broken destination costs the others: send-to-arrival of healthy tenants while other tenants'
 * destinations hang, fail and drip, against the calm phases of the same run. Calm and broken phases take turns, so that
 * a machine that grows slower hits both.
 *
 *   node load-tests/fairness.ts [--seconds 20] [--rounds 3] [--tenants 50] [--piled 20000] [--only two|many|pile]
 *     [--moods hangs,fails,drips]
 *
 * The promise: p95 moves by 10 % at most, also in the first seconds and behind 200,000 piled up deliveries.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '3' },
    tenants: { type: 'string', default: '50' },
    piled: { type: 'string', default: '20000' },
    only: { type: 'string' },
    moods: { type: 'string', default: 'hangs,fails,drips' },
  },
})
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)
const moods = values.moods.split(',') as Mood[]

interface Row {
  readonly phase: string
  readonly p50: number
  readonly p95: number
  /** Of the first seconds. */
  readonly firstP95: number
  readonly mostOpen: number
}

async function phase(name: string, traffic: Traffic, moody: Moody): Promise<Row> {
  const { arrivalMs, firstArrivalMs } = await flow(traffic, seconds)
  return {
    phase: name,
    p50: percentile(arrivalMs, 0.5),
    p95: percentile(arrivalMs, 0.95),
    firstP95: percentile(firstArrivalMs, 0.95),
    mostOpen: moody.mostOpen,
  }
}

/** Calm and every mood in turn, so many rounds. */
async function inTurns(traffic: Traffic, moody: Moody): Promise<Row[]> {
  const rows: Row[] = []
  await flow(traffic, 3) // warm-up
  for (let round = 0; round < rounds; round++) {
    for (const mood of moods) {
      await untilCalm(traffic.subject)
      rows.push(await phase('calm', traffic, moody))
      moody.be(mood)
      rows.push(await phase(mood, traffic, moody))
      moody.be('well')
    }
  }
  await untilCalm(traffic.subject)
  return rows
}

/** Piles up deliveries for a destination that hangs, and measures before and behind them. */
async function behindPile(traffic: Traffic, moody: Moody, piled: number): Promise<Row[]> {
  const { subject } = traffic
  await untilCalm(subject)
  const rows: Row[] = []
  for (let round = 0; round < rounds; round++) rows.push(await phase('calm', traffic, moody))
  moody.be('hangs')
  await pileUp(subject, traffic.moody[0]!, piled)
  for (let round = 0; round < rounds; round++) {
    const waiting = await readMetric(subject, 'fairlead_deliveries_waiting')
    rows.push(await phase('behind the pile', traffic, moody))
    console.log(`  ${waiting} deliveries were piled up`)
  }
  moody.be('well')
  return rows
}

async function pileUp(subject: Subject, tenant: string, count: number): Promise<void> {
  const url = subject.sourceUrl(tenant)
  await using sender = await openLoadSender({ url, secret: loadSecret, connections: 64, bodyBytes: 512 })
  let accepted = 0
  while (accepted < count) {
    await sender.asFastAsPossible(2, ({ id }) => {
      if (id !== undefined) accepted++
    })
  }
  await until(async () => (await readMetric(subject, 'fairlead_deliveries_waiting')) >= count * 0.95, {
    deadlineMs: 600_000,
    everyMs: 500,
    what: `${count} parked deliveries`,
  })
}

function print(title: string, rows: readonly Row[]): void {
  const median = (of: readonly Row[], read: (row: Row) => number) => percentile(of.map(read), 0.5)
  /** Against the calm phase just before, because the machine changes too. */
  const toCalm = (row: Row, read: (row: Row) => number) =>
    read(row) / read(rows.slice(0, rows.indexOf(row) + 1).findLast(({ phase }) => phase === 'calm')!)
  const ms = (value: number) => value.toFixed(1).padStart(8)
  /** The mean of the ratios, with its standard error. */
  const change = (of: readonly Row[], read: (row: Row) => number) => {
    const logs = of.map(row => Math.log(toCalm(row, read)))
    const mean = logs.reduce((sum, each) => sum + each, 0) / logs.length
    const variance = logs.reduce((sum, each) => sum + (each - mean) ** 2, 0) / Math.max(1, logs.length - 1)
    const percent = (Math.exp(mean) - 1) * 100
    const error = Math.sqrt(variance / logs.length) * 100
    return `${percent < 0 ? '' : '+'}${percent.toFixed(0)} ±${error.toFixed(0)} %`.padStart(11)
  }
  console.log(`\n${title}`)
  console.log(
    `  ${'phase'.padEnd(16)}     p50      p95   (spread)            to calm   first 3 s p95    to calm  most open`,
  )
  for (const name of new Set(rows.map(({ phase }) => phase))) {
    const of = rows.filter(({ phase }) => phase === name)
    const p95s = of.map(({ p95 }) => p95)
    const first = median(of, row => row.firstP95)
    const p95 = median(of, row => row.p95)
    const spread = `(${Math.min(...p95s).toFixed(1)} to ${Math.max(...p95s).toFixed(1)})`
    console.log(
      `  ${name.padEnd(16)}${ms(median(of, row => row.p50))} ${ms(p95)}   ${spread.padEnd(18)} ${change(of, ({ p95 }) => p95)} ` +
        `      ${ms(first)} ${change(of, ({ firstP95 }) => firstP95)} ${String(Math.max(...of.map(row => row.mostOpen))).padStart(10)}`,
    )
  }
}

async function main(): Promise<void> {
  await using arrivals = await openArrivals()
  await using moody = await openMoody()
  const crowd = Number(values.tenants)
  const name = (kind: string, index: number) => `${kind}-${index + 1}`
  const healthy = Array.from({ length: crowd }, (_, index) => name('healthy', index))
  const ill = Array.from({ length: crowd }, (_, index) => name('moody', index))
  await using subject = await startSubject([
    ...healthy.map(name => ({ name, destinationUrl: `http://127.0.0.1:${arrivals.port}/hooks` })),
    ...ill.map(name => ({
      name,
      destinationUrl: `http://127.0.0.1:${moody.port}/hooks`,
      retryDelaysSeconds: Array.from({ length: 20 }, () => 5),
    })),
  ])
  const two: Traffic = {
    subject,
    arrivals,
    healthy: healthy.slice(0, 1),
    moody: ill.slice(0, 1),
    perTenantPerSecond: 100,
  }
  const many: Traffic = { subject, arrivals, healthy, moody: ill, perTenantPerSecond: 100 / crowd }
  console.log(`${seconds} s a phase, ${rounds} rounds; send-to-arrival of healthy tenants in ms`)
  const wanted = (part: string) => values.only === undefined || values.only === part
  if (wanted('two')) print('two tenants at 100/s each', await inTurns(two, moody))
  if (wanted('many'))
    print(`${crowd} healthy and ${crowd} moody tenants, 100/s of each kind`, await inTurns(many, moody))
  if (wanted('pile'))
    print(
      `two tenants at 100/s each, ${values.piled} deliveries piled up for the other`,
      await behindPile(two, moody, Number(values.piled)),
    )
}

await main()
