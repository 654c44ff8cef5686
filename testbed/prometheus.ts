import { execFile } from 'node:child_process'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeCached } from '@fairlead/servers/cache'
import { distribution, unpackDebian } from '@fairlead/servers/debian'
import { freePort, type Server, startChild, untilReady } from '@fairlead/servers/processes'
import { onPath, type Program, type Progress, search } from '@fairlead/servers/search'
import { findNewestPrometheus } from './newest-prometheus.ts'

/** Prometheus and promtool: the machine's own, or Debian's, unpacked into the cache. */
function findProgram(name: 'prometheus' | 'promtool', progress: Progress): Promise<Program> {
  const debian = {
    name: 'Debian package',
    async look() {
      const release = await distribution()
      if (release === undefined) return { none: 'not Debian or Ubuntu' }
      const unpack = async (folder: string) => {
        const scratch = join(folder, 'scratch')
        await mkdir(scratch)
        await unpackDebian(['prometheus'], scratch, progress)
        // One program of a package with several, each of 100 MB.
        await rename(join(scratch, 'usr/bin', name), join(folder, name))
        await rm(scratch, { recursive: true })
      }
      const folder = await makeCached(`${name}-${release}-${process.arch}`, unpack, progress)
      return { path: join(folder, name) }
    },
  }
  return search(name, [onPath([name], [2, 42]), debian], 'install Prometheus 2.42')
}

/** Gets both, before any test's time-out runs. */
export const findBoth = (progress: Progress): Promise<unknown> =>
  findProgram('promtool', progress).then(() => findProgram('prometheus', progress))

/** Runs promtool in a folder; answers with what it says, rejects with what it finds wrong. */
export type Promtool = (args: readonly string[], folder: string) => Promise<string>

/** Of the distribution. */
export const findPromtool = async (progress: Progress = console.error): Promise<Promtool> =>
  promtoolAt(await findProgram('promtool', progress))

export const findNewestPromtool = async (progress?: Progress): Promise<Promtool> =>
  promtoolAt(await findNewestPrometheus('promtool', progress))

const promtoolAt =
  ({ path }: Program): Promtool =>
  async (args, folder) => {
    const { stdout } = await promisify(execFile)(path, [...args], { cwd: folder, maxBuffer: 64 * 1024 ** 2 })
    return stdout
  }

export interface PrometheusOptions {
  readonly home: string
  /** What is scraped each second, with the labels that its series get. */
  readonly targets: readonly { readonly address: string; readonly labels: Readonly<Record<string, string>> }[]
  /** A file of rules. */
  readonly rules: string
  /** Default: the distribution's. */
  readonly release?: 'newest'
}

/** Starts Prometheus on loopback. It scrapes each second. */
export async function startPrometheus(
  { home, targets, rules, release }: PrometheusOptions,
  progress: Progress = console.error,
): Promise<Server> {
  const program =
    release === 'newest'
      ? await findNewestPrometheus('prometheus', progress)
      : await findProgram('prometheus', progress)
  const port = await freePort()
  await mkdir(home, { recursive: true })
  await writeFile(join(home, 'rules.yaml'), rules)
  // JSON is YAML.
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [join(home, 'rules.yaml')],
    scrape_configs: [
      {
        job_name: 'fairlead',
        static_configs: targets.map(({ address, labels }) => ({ targets: [address], labels })),
      },
    ],
  }
  await writeFile(join(home, 'prometheus.yaml'), JSON.stringify(config))
  const child = await startChild({
    name: 'prometheus',
    home,
    command: program.path,
    args: [
      '--enable-feature=exemplar-storage',
      `--config.file=${join(home, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(home, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    ...(program.env && { env: program.env }),
  })
  const url = `http://127.0.0.1:${port}`
  const isReady = async () => (await fetch(`${url}/-/ready`)).ok
  await untilReady(child, { name: 'prometheus', home, port, deadlineMs: 60_000 }, isReady)
  return { ...child, port, url }
}

export interface PrometheusSeries {
  readonly labels: Readonly<Record<string, string>>
  /** Seconds since 1970 and values, oldest first. */
  readonly points: readonly (readonly [number, number])[]
}

interface ApiAnswer {
  readonly status: string
  readonly error?: string
  readonly warnings?: readonly string[]
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>
      readonly value?: readonly [number, string]
      readonly values?: readonly (readonly [number, string])[]
    }[]
  }
}

/**
 * Asks for a query's series between two times, ms; with one time, at that time.
 * @throws where Prometheus refuses the query, or warns of it
 */
export async function askPrometheus(
  url: string,
  query: string,
  { fromMs, toMs }: { readonly fromMs?: number; readonly toMs: number },
): Promise<readonly PrometheusSeries[]> {
  const times: Record<string, string> =
    fromMs === undefined
      ? { time: String(toMs / 1000) }
      : { start: String(fromMs / 1000), end: String(toMs / 1000), step: '1' }
  const path = fromMs === undefined ? 'query' : 'query_range'
  const body = new URLSearchParams({ query, ...times })
  const response = await fetch(`${url}/api/v1/${path}`, { method: 'POST', body })
  const answer = (await response.json()) as ApiAnswer
  if (answer.status !== 'success' || answer.warnings?.length) {
    throw new Error(`${query}: ${answer.error ?? answer.warnings?.join('; ')}`)
  }
  return answer.data.result.map(({ metric, value, values }) => ({
    labels: metric,
    points: (values ?? (value ? [value] : [])).map(([at, text]) => [at, Number(text)] as const),
  }))
}

/** A series, and traces that its samples name. */
export interface TracedSeries {
  readonly labels: Readonly<Record<string, string>>
  /** `at`: Unix seconds. */
  readonly traces: readonly { readonly traceId: string; readonly at: number }[]
}

/** Exemplars of the series that a query reads, as Grafana asks for them. */
export async function askExemplars(
  url: string,
  query: string,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): Promise<readonly TracedSeries[]> {
  const body = new URLSearchParams({ query, start: String(fromMs / 1000), end: String(toMs / 1000) })
  const response = await fetch(`${url}/api/v1/query_exemplars`, { method: 'POST', body })
  const answer = (await response.json()) as {
    readonly status: string
    readonly error?: string
    readonly data?: readonly {
      readonly seriesLabels: Readonly<Record<string, string>>
      readonly exemplars: readonly {
        readonly labels: { readonly trace_id: string }
        readonly timestamp: number
      }[]
    }[]
  }
  if (answer.status !== 'success') throw new Error(`${query}: ${answer.error}`)
  return (answer.data ?? []).map(({ seriesLabels, exemplars }) => ({
    labels: seriesLabels,
    traces: exemplars.map(({ labels, timestamp }) => ({ traceId: labels.trace_id, at: timestamp })),
  }))
}
