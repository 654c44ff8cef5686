import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startTestKube } from '@fairlead/testbed/kube/api-server'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { type JobOptions, renderJob } from './job.ts'
import { htmlOf, type Report } from './report.ts'

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
}, 120_000)

test('the Job’s program runs from its ConfigMap alone, judges, and prints a report', async () => {
  const objects = parseAllDocuments(await renderJob(options)).map(document => document.toJS() as KubeObject)
  const text = objects.find(({ kind }) => kind === 'ConfigMap')!.data!['run.mjs']!
  // A ConfigMap holds a megabyte.
  expect(text.length).toBeLessThan(200_000)
  await using folder = await scratchFolder()
  const program = join(folder.path, 'run.mjs')
  await writeFile(program, text)
  const env = {
    SCENARIO: 'spike',
    RECEIVER_URL: 'http://127.0.0.1:1',
    SINK_PORT: '0',
    SECONDS: '0.005',
    RATE: '0.1',
  }
  const ended = await promisify(execFile)(process.execPath, [program], { env }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: { code: number; stdout: string }) => error,
  )
  // Nothing answers there, so a limit is broken.
  expect(ended.code).toBe(1)
  const report = JSON.parse(ended.stdout.trim().split('\n').at(-1)!) as Report
  expect(report.verdicts.find(({ figure }) => figure === 'refused_ratio')).toMatchObject({
    value: 1,
    kept: false,
  })
  expect(htmlOf(report)).toContain('spike: a limit is broken')
})
