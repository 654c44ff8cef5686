import { Session } from 'node:inspector/promises'
import { openScheme } from '../open.ts'
import { allProviders } from '../providers/table.ts'
import { sampleRequest } from '../sample-request.ts'
import type { Scheme, WebhookRequest } from '../scheme.ts'
import { aSource } from './a-source.ts'

/*
 * A small coverage-guided fuzzer: requests that reach a block of code which none has reached before are kept and
 * changed further. Coverage is V8's own, by the inspector. By command, for as long as you like:
 *
 *   node packages/webhook/fuzz/guided.ts [SECONDS] [SEED]
 */

const nowMs = 1_760_000_000_000
/** So many requests run between two looks at the coverage, which cost some milliseconds each. */
const batchSize = 40

export interface Findings {
  readonly runs: number
  /** Requests that reached something new. */
  readonly kept: number
  /** Blocks of this package that were reached. */
  readonly blocks: number
  readonly faults: readonly string[]
}

interface Target {
  readonly name: string
  readonly scheme: Scheme
}

interface Case {
  readonly target: Target
  readonly request: WebhookRequest
}

/** Fuzzes every provider until the time is over. The same seed tries the same requests, as far as time lets it. */
export async function fuzzGuided(durationMs: number, seed: number): Promise<Findings> {
  const random = randomOf(seed)
  const corpus = firstCases()
  const coverage = await openCoverage()
  const faults = new Set<string>()
  const endsAt = performance.now() + durationMs
  let runs = 0
  let kept = 0
  try {
    for (const start of corpus) await run(start, faults)
    await coverage.hasGrown()
    while (performance.now() < endsAt && faults.size < 20) {
      const batch = Array.from({ length: batchSize }, () =>
        change(corpus[Math.floor(random() * corpus.length)]!, corpus, random),
      )
      for (const one of batch) await run(one, faults)
      runs += batch.length
      if (!(await coverage.hasGrown())) continue
      // To find the request that reached new code would cost a run each: all are kept, and a large corpus is cut at random.
      corpus.push(batch[Math.floor(random() * batchSize)]!, ...batch.slice(0, 4))
      kept += 5
      if (corpus.length > 5000) corpus.splice(Math.floor(random() * 4000), 500)
    }
    return { runs, kept, blocks: coverage.size(), faults: [...faults] }
  } finally {
    await coverage.close()
  }
}

/** A signed sample of each provider, where it can be signed, and an empty request. */
function firstCases(): Case[] {
  return allProviders().flatMap(({ name }) => {
    const { config, privateKey } = aSource(name)
    const target = { name, scheme: openScheme(config, async () => '') }
    const empty: WebhookRequest = { method: 'POST', url: '/x', headers: {}, body: Buffer.alloc(0) }
    try {
      const request = sampleRequest(name, {
        ...(config.secrets[0] !== undefined && { secret: config.secrets[0] }),
        ...(config.options && { options: config.options }),
        ...(privateKey && { privateKey }),
        nowMs,
        random: () => 0.4,
      })
      return [
        { target, request },
        { target, request: empty },
      ]
    } catch {
      return [{ target, request: empty }]
    }
  })
}

/** Invariants of any request: verification doesn't throw, and its time is bounded by the request's length. */
async function run({ target, request }: Case, faults: Set<string>): Promise<void> {
  const start = process.cpuUsage()
  try {
    const verdict = await target.scheme.verify(request, nowMs)
    target.scheme.identify(request)
    target.scheme.handshake(request, verdict.kind === 'valid', nowMs)
  } catch (error) {
    faults.add(`${target.name} threw ${(error as Error).stack} for ${show(request)}`)
  }
  const { user, system } = process.cpuUsage(start)
  const tookMs = (user + system) / 1000
  if (tookMs > 1000) faults.add(`${target.name} took ${Math.round(tookMs)} ms for ${show(request)}`)
}

function show(request: WebhookRequest): string {
  return JSON.stringify({ ...request, body: Buffer.from(request.body).toString('base64') }).slice(0, 2000)
}

/** Pieces that the parsers look for. */
const words = [
  't=',
  'v1=',
  'v0=',
  ',',
  ';',
  ' ',
  '.',
  '=',
  'sha256=',
  'v1,',
  'v1a,',
  'Bearer ',
  'Basic ',
  '|',
  '&',
  '%',
  '+',
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ':',
  '0',
  '1760000000',
  'null',
  '__proto__',
  '\u0000',
  'é',
]

function change(from: Case, corpus: readonly Case[], random: () => number): Case {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const other = pick(corpus)
  const { request } = from
  const target = random() < 0.1 ? other.target : from.target
  const names = [...Object.keys(request.headers), ...Object.keys(other.request.headers)]
  const kind = random()
  if (kind < 0.5 && names.length > 0) {
    const name = pick(names)
    const text = String(request.headers[name] ?? other.request.headers[name])
    return {
      target,
      request: { ...request, headers: { ...request.headers, [name]: changeText(text, random) } },
    }
  }
  if (kind < 0.85) {
    const text = Buffer.from(random() < 0.1 ? other.request.body : request.body).toString('latin1')
    return { target, request: { ...request, body: Buffer.from(changeText(text, random), 'latin1') } }
  }
  if (kind < 0.95) return { target, request: { ...request, url: changeText(request.url, random) } }
  return { target, request: { ...request, method: pick(['GET', 'POST', 'HEAD', 'OPTIONS', 'PUT']) } }
}

function changeText(text: string, random: () => number): string {
  const at = Math.floor(random() * (text.length + 1))
  const to = Math.min(text.length, at + Math.floor(random() * 8))
  const word = words[Math.floor(random() * words.length)]!
  const kind = random()
  if (kind < 0.3) return text.slice(0, at) + word + text.slice(at)
  if (kind < 0.5) return text.slice(0, at) + text.slice(to)
  if (kind < 0.7)
    return text.slice(0, at) + String.fromCharCode(Math.floor(random() * 256)) + text.slice(at + 1)
  if (kind < 0.85) return text.slice(0, at) + text.slice(Math.floor(random() * text.length))
  return (text.slice(0, at) + word.repeat(1 + Math.floor(random() * 50)) + text.slice(to)).slice(0, 100_000)
}

/** mulberry32: small, and the same everywhere. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Coverage {
  /** Whether a block was reached since the last call that never was before. */
  hasGrown(): Promise<boolean>
  size(): number
  close(): Promise<void>
}

async function openCoverage(): Promise<Coverage> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  const reached = new Set<string>()
  const own = new URL('../', import.meta.url).href
  return {
    async hasGrown() {
      const before = reached.size
      const { result } = await session.post('Profiler.takePreciseCoverage')
      for (const { url, functions } of result) {
        if (!url.startsWith(own) || url.includes('/fuzz/')) continue
        for (const { ranges } of functions) {
          for (const { startOffset, endOffset, count } of ranges) {
            if (count > 0) reached.add(`${url}:${startOffset}-${endOffset}`)
          }
        }
      }
      return reached.size > before
    },
    size: () => reached.size,
    async close() {
      await session.post('Profiler.stopPreciseCoverage')
      session.disconnect()
    },
  }
}

if (import.meta.main) {
  const [seconds = '60', seed = String(Date.now() % 100_000)] = process.argv.slice(2)
  const findings = await fuzzGuided(Number(seconds) * 1000, Number(seed))
  console.log(
    `seed ${seed}: ${findings.runs} requests, ${findings.kept} kept, ${findings.blocks} blocks reached`,
  )
  for (const fault of findings.faults) console.log(fault)
  process.exitCode = findings.faults.length > 0 ? 1 : 0
}
