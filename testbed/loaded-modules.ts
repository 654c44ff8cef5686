import { registerHooks } from 'node:module'
import { readTracingEnvironment } from '@fairlead/telemetry/environment'
import { Registry } from 'prom-client'

/**
 * Prints the modules that all parts load with this environment, one URL a line: run as a process of its own by
 * `traces.test.ts`.
 */
const urls: string[] = []
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context)
    urls.push(resolved.url)
    return resolved
  },
})
for (const part of ['receiver', 'worker', 'store', 'api', 'operator', 'prober'])
  await import(`@fairlead/${part}/run`)
const { openTracing } = await import('@fairlead/telemetry/tracing')
const environment = readTracingEnvironment(process.env)
await using _tracing =
  (await openTracing({ part: 'receiver', environment, registry: new Registry() })) ?? null
process.stdout.write(`${urls.join('\n')}\n`)
