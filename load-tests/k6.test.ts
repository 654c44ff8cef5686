import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { anOrganization, putConfiguration, testEncryptionKeys } from '@fairlead/testbed/configuration'
import { startTestNats } from '@fairlead/testbed/nats'
import { startTestReceiver } from '@fairlead/testbed/receiver'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { startService } from '@fairlead/testbed/service'
import { connectNats } from '@fairlead/wire/connect'
import { expect, test } from 'vitest'
import { organizationsOf, pathOf, scenarios } from './scenarios.ts'
import { loadSecrets } from './sign.ts'
import { startLoadSink } from './sink.ts'

interface Outcome {
  readonly flows: readonly string[]
  readonly counts: Readonly<Record<string, number>>
  readonly thresholds: readonly {
    readonly name: string
    readonly expression: string
    readonly value: number
  }[]
}

const run = async (script: string, iterations: number, env: Record<string, string>): Promise<Outcome> => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      join(import.meta.dirname, 'stand-in/run-script.ts'),
      join(import.meta.dirname, `k6/${script}.ts`),
      String(iterations),
    ],
    { env: { PATH: process.env.PATH, ...env } },
  )
  return JSON.parse(stdout)
}

test('there is a k6 script for each scenario', () => {
  const scripts = readdirSync(join(import.meta.dirname, 'k6')).filter(name => /^(?!script).*\.ts$/.test(name))
  expect(scripts.map(name => name.replace('.ts', '')).sort()).toEqual(Object.keys(scenarios).sort())
})

test('every k6 script sends webhooks that the product accepts and delivers, and judges them', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await scratchFolder()).path
  const server = stack.use(await startTestNats())
  const nats = await connectNats({ url: server.url, name: 'test' })
  stack.defer(() => nats.close())
  const sink = stack.use(await startLoadSink({ port: 0, destinationPort: 0, settleMs: 30_000 }))
  const flows = Object.values(scenarios).flatMap(scenario => scenario.flows)
  const organizations = new Map(
    flows.flatMap(flow => organizationsOf(flow).map(name => [name, flow] as const)),
  )
  await putConfiguration(
    nats,
    ...[...organizations].map(([name, flow]) =>
      anOrganization(name, {
        sources: flow.providers.map(provider => ({
          name: provider,
          provider,
          secrets: [loadSecrets[provider]],
        })),
        destinations: [{ name: 'sink', url: `${sink.destinationUrl}${pathOf(flow.mood)}` }],
      }),
    ),
  )
  const receiver = stack.use(await startTestReceiver({ natsUrl: server.url, logFolder: folder }))
  stack.use(
    startService({
      name: 'worker',
      main: 'services/worker/main.ts',
      logFolder: folder,
      env: {
        FAIRLEAD_NATS_URL: server.url,
        FAIRLEAD_ENCRYPTION_KEYS: testEncryptionKeys,
        FAIRLEAD_DESTINATION_ALLOW: '127.0.0.0/8',
      },
    }),
  )
  const env = { RECEIVER_URL: receiver.url, SINK_URL: sink.url, TIMES: '1000' }
  for (const scenario of Object.values(scenarios)) {
    const { flows: ran, counts, thresholds } = await run(scenario.name, 4, env)
    expect(ran).toEqual(scenario.flows.map(({ name }) => name))
    // Each provider's signature was right.
    expect([scenario.name, counts.accept_ms, counts.refused]).toEqual([
      scenario.name,
      4 * ran.length,
      4 * ran.length,
    ])
    expect(thresholds.length).toBe(scenario.limits.length)
    for (const { name, expression, value } of thresholds)
      expect(value, `${scenario.name}: ${name} ${expression}`).toBeLessThanOrEqual(
        Number(expression.split('<=')[1]),
      )
  }
}, 240_000)
