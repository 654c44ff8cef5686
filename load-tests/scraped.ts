import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openArrivals } from '@fairlead/testbed/load/arrivals'
import { type LoadSender, openLoadSender, type Sent } from '@fairlead/testbed/load/sender'
import { loadSecret, startSubject } from '@fairlead/testbed/load/subject'
import { orderOf, spreadOf } from './hot-path/compare.ts'
import { percentile } from './percentile.ts'

/**
 * Whether scrapes hold up webhooks: the time to accept and to arrive with a scrape each second and without any, in turns, beside as
 * many organizations with objectives as have series of their own (500).
 *
 *   node load-tests/scraped.ts [--organizations 500] [--rounds 4] [--seconds 10] [--rate 200]
 *
 * Prints the median of the rounds with its spread, and of the scrapes their time and size.
 */
const { values } = parseArgs({
  options: {
    organizations: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '10' },
    rate: { type: 'string', default: '200' },
  },
})
const modes = ['unscraped', 'scraped'] as const
type Mode = (typeof modes)[number]

interface Scrape {
  readonly ms: number
  readonly bytes: number
}

/** Scrapes each second, as Prometheus does, until the signal aborts. */
async function keepScraping(url: string, stopping: AbortSignal): Promise<readonly Scrape[]> {
  const scrapes: Scrape[] = []
  const headers = { accept: 'application/openmetrics-text;version=1.0.0' }
  while (!stopping.aborted) {
    const startMs = performance.now()
    const { byteLength } = await (await fetch(url, { headers })).arrayBuffer()
    const ms = performance.now() - startMs
    scrapes.push({ ms, bytes: byteLength })
    await delay(Math.max(0, 1_000 - ms), undefined, { signal: stopping }).catch(() => {})
  }
  return scrapes
}

const tell = (what: string, list: readonly number[], unit = 'ms') => {
  const { median, least, most } = spreadOf(list)
  console.log(`  ${what}: ${median.toFixed(1)} (${least.toFixed(1)} to ${most.toFixed(1)}) ${unit}`)
}

await using arrivals = await openArrivals()
const destinationUrl = `http://127.0.0.1:${arrivals.port}/hooks`
const names = Array.from({ length: Number(values.organizations) }, (_, number) => `organization-${number}`)
await using subject = await startSubject(names.map(name => ({ name, destinationUrl, objectives: true })))
const metricsUrl = `http://127.0.0.1:${subject.settings.metricsPort}/metrics`
const rate = Number(values.rate)
await using sender: LoadSender = await openLoadSender({
  url: names.slice(0, 50).map(name => subject.sourceUrl(name)),
  secret: loadSecret,
  connections: 64,
  bodyBytes: 2_048,
})

async function measure(mode: Mode): Promise<readonly [readonly Sent[], readonly Scrape[]]> {
  const stopping = new AbortController()
  const scraping = mode === 'scraped' ? keepScraping(metricsUrl, stopping.signal) : []
  const sent: Sent[] = []
  await sender.atRate(rate, Number(values.seconds), one => sent.push(one))
  stopping.abort()
  return [sent, await scraping]
}

await sender.atRate(rate, 5, () => {}) // warm-up
const accept: Record<Mode, { readonly p50: number[]; readonly p99: number[] }> = {
  unscraped: { p50: [], p99: [] },
  scraped: { p50: [], p99: [] },
}
const scrapes: Scrape[] = []
for (let round = 0; round < Number(values.rounds); round++) {
  for (const mode of orderOf(modes, round)) {
    const [sent, scraped] = await measure(mode)
    const refused = sent.filter(({ id }) => id === undefined).length
    if (refused > 0) console.log(`! ${refused} of ${sent.length} refused, ${mode}, round ${round + 1}`)
    const times = sent.map(({ acceptMs }) => acceptMs)
    accept[mode].p50.push(percentile(times, 0.5))
    accept[mode].p99.push(percentile(times, 0.99))
    scrapes.push(...scraped)
  }
}
console.log(
  `${names.length} organizations with objectives, ${rate} webhooks a second, ${values.rounds} rounds of ${values.seconds} s: median (least to most)`,
)
for (const mode of modes) {
  tell(`${mode}, accepted at the 50th percentile`, accept[mode].p50)
  tell(`${mode}, accepted at the 99th percentile`, accept[mode].p99)
}
tell(
  'a scrape of all parts takes',
  scrapes.map(({ ms }) => ms),
)
tell(
  'a scrape has',
  scrapes.map(({ bytes }) => bytes / 1_000),
  'kB',
)
