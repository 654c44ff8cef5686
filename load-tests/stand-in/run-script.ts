import { registerHooks } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { percentile } from '../percentile.ts'
import { running, samples } from './state.ts'

/**
 * Runs a k6 script under Node, so that the scripts of `k6/` are known to work though k6 is not here: a few iterations of each
 * flow one after the other, then `teardown`, then the thresholds. Prints the outcome as JSON.
 *
 *   RECEIVER_URL=… SINK_URL=… node load-tests/stand-in/run-script.ts load-tests/k6/ingest.ts 15
 */
const [path = '', iterations = '15'] = process.argv.slice(2)
const modules = ['crypto', 'encoding', 'execution', 'http', 'metrics']

registerHooks({
  resolve(specifier, context, next) {
    const name = specifier.replace(/^k6\//, '')
    if (name === specifier || !modules.includes(name)) return next(specifier, context)
    return { url: new URL(`./${name}.ts`, import.meta.url).href, shortCircuit: true }
  },
})
Object.assign(globalThis, { __ENV: process.env })

interface Script {
  readonly options: {
    readonly scenarios: Readonly<Record<string, unknown>>
    readonly thresholds: Readonly<Record<string, readonly string[]>>
  }
  default(): void
  teardown(): void
}

const script = (await import(pathToFileURL(resolve(path)).href)) as Script
for (const flow of Object.keys(script.options.scenarios)) {
  running.name = flow
  for (running.iterationInTest = 0; running.iterationInTest < Number(iterations); running.iterationInTest++)
    script.default()
}
script.teardown()

const thresholds = Object.entries(script.options.thresholds).flatMap(([name, expressions]) =>
  expressions.map(expression => ({ name, expression, value: measuredBy(name, expression) })),
)
const counts = Object.fromEntries([...samples].map(([metric, list]) => [metric, list.length]))
process.stdout.write(
  `${JSON.stringify({ flows: Object.keys(script.options.scenarios), counts, thresholds })}\n`,
)
process.exit()

/** The value that a threshold compares, of samples with its tag. Throws an Error where k6 would refuse the expression. */
function measuredBy(name: string, expression: string): number {
  const [, metric = '', tag, wanted] = /^([a-z_]+)(?:\{([a-z]+):([a-z-]+)\})?$/.exec(name) ?? []
  const [, what, percent] = /^(count|rate|p\((\d+)\))<=[0-9.]+$/.exec(expression) ?? []
  if (metric === '' || what === undefined) throw new Error(`k6 knows no threshold ${name}: ${expression}`)
  const list = (samples.get(metric) ?? []).filter(({ tags }) => tag === undefined || tags[tag] === wanted)
  const values = list.map(({ value }) => value)
  const sum = values.reduce((total, value) => total + value, 0)
  if (what === 'count') return sum
  if (what === 'rate') return values.length === 0 ? 0 : sum / values.length
  return percentile(values, Number(percent) / 100)
}
