import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '@fairlead/servers/processes'
import { anOrganization, putConfiguration, testEncryptionKeys } from '@fairlead/testbed/configuration'
import { startTestKube } from '@fairlead/testbed/kube/api-server'
import { startTestNats } from '@fairlead/testbed/nats'
import { startTestReceiver } from '@fairlead/testbed/receiver'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { startService } from '@fairlead/testbed/service'
import { connectNats } from '@fairlead/wire/connect'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { type JobOptions, renderJob } from './job.ts'
import { tenantsOf } from './organizations-of.ts'
import { htmlOf, type Report } from './report.ts'
import { findScenario, scaled } from './scenarios.ts'

const options: JobOptions = {
  scenario: 'noisy-neighbour',
  namespace: 'load',
  image: 'localhost/fairlead:dev',
  receiverUrl: 'http://127.0.0.1:1',
  seconds: 0.01,
  rate: 0.1,
  times: 1,
}

interface KubeObject {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly data?: Readonly<Record<string, string>>
}

test('the API server takes the Organizations and the Job of a scenario', async () => {
  const crds = join(import.meta.dirname, '../charts/fairlead/crds')
  await using kube = await startTestKube({ crds })
  await using folder = await scratchFolder()
  const file = join(folder.path, 'job.yaml')
  await writeFile(file, await renderJob(options))
  await kube.kubectl(['create', 'namespace', 'load'])
  const created = await kube.kubectl(['create', '-f', file, '-o', 'name'])
  expect(created).toContain('organization.fairlead.dev/load-quiet-9')
  expect(created).toContain('job.batch/fairlead-load')
}, 240_000)

/** The Job's program, in a file: all that its pod has. */
async function writeProgram(folder: string): Promise<string> {
  const objects = parseAllDocuments(await renderJob(options)).map(document => document.toJS() as KubeObject)
  const text = objects.find(({ kind }) => kind === 'ConfigMap')!.data!['run.mjs']!
  // A ConfigMap holds a megabyte.
  expect(text.length).toBeLessThan(200_000)
  const program = join(folder, 'run.mjs')
  await writeFile(program, text)
  return program
}

const runProgram = (program: string, env: Record<string, string>) =>
  promisify(execFile)(process.execPath, [program], { env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  )

test('the Job’s program sends, receives and judges against the product, from its ConfigMap alone', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await scratchFolder()).path
  const program = await writeProgram(folder)
  const nats = stack.use(await startTestNats())
  const connection = await connectNats({ url: nats.url, name: 'test' })
  stack.defer(() => connection.close())
  const sinkPort = await freePort()
  const scenario = scaled(findScenario('spike'), { seconds: 0.005, rate: 0.1 })
  const receiver = stack.use(await startTestReceiver({ natsUrl: nats.url, logFolder: folder }))
  const env = {
    FAIRLEAD_NATS_URL: nats.url,
    FAIRLEAD_ENCRYPTION_KEYS: testEncryptionKeys,
    FAIRLEAD_DESTINATION_ALLOW: '127.0.0.0/8',
  }
  stack.use(startService({ name: 'worker', main: 'services/worker/main.ts', logFolder: folder, env }))
  const running = runProgram(program, {
    SCENARIO: 'spike',
    RECEIVER_URL: receiver.url,
    SINK_PORT: String(sinkPort),
    SECONDS: '0.005',
    RATE: '0.1',
    TIMES: '1000',
  })
  // As in a cluster, where the operator makes them once the Job runs already.
  await putConfiguration(
    connection,
    ...tenantsOf(scenario, `http://127.0.0.1:${sinkPort}`).map(({ name, destinationUrl, sources }) =>
      anOrganization(name, {
        sources: sources.map(({ name: source, provider, secret }) => ({
          name: source,
          provider,
          secrets: [secret],
        })),
        destinations: [{ name: 'arrivals', url: destinationUrl }],
      }),
    ),
  )
  const ended = await running
  expect(ended.stderr).toBe('')
  expect(ended.code).toBe(0)
  const report = JSON.parse(ended.stdout.trim().split('\n').at(-1)!) as Report
  expect(report.kept).toBe(true)
  const figureOf = (name: string) => report.verdicts.find(({ figure }) => figure === name)?.value
  expect([figureOf('lost'), figureOf('unsent')]).toEqual([0, 0])
  expect(htmlOf(report)).toContain('spike')
}, 240_000)

test('a Job whose organizations no receiver knows fails, and names one of them', async () => {
  await using folder = await scratchFolder()
  const ended = await runProgram(await writeProgram(folder.path), {
    SCENARIO: 'spike',
    RECEIVER_URL: `http://127.0.0.1:${await freePort()}`,
    SINK_PORT: '0',
    READY_SECONDS: '0.5',
  })
  expect(ended.code).toBe(1)
  expect(ended.stderr).toMatch(/^after 0.5 s no receiver knows [\w-]+\/github: .*ECONNREFUSED/)
})
