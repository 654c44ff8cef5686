import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { delimiter, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { scratchFolder } from '../scratch.ts'
import { startTestKube, type TestKube } from './api-server.ts'
import { findHelm, type Helm } from './helm.ts'
import { manifestsFile, renderManifests } from './manifests.ts'
import { findKubePrograms } from './programs.ts'

const root = resolve(import.meta.dirname, '../..')
const cleanup = new AsyncDisposableStack()
let helm: Helm
let kube: TestKube

beforeAll(async () => {
  helm = await findHelm(cleanup.use(await scratchFolder()).path)
  kube = cleanup.use(await startTestKube())
})
afterAll(() => cleanup.disposeAsync())

test('k8s/fairlead.yaml is what the chart renders: npm run generate', async () => {
  expect(await readFile(manifestsFile, 'utf8')).toBe(await renderManifests(helm))
})

test('it holds no Secret, and nothing of Helm', async () => {
  const text = await readFile(manifestsFile, 'utf8')
  expect(text).not.toMatch(/^kind: Secret$/m)
  expect(text).not.toMatch(/helm/i)
})

test('the commands at its head make the Secrets, and the API server takes the rest as restricted', async () => {
  const text = await readFile(manifestsFile, 'utf8')
  const head = text.slice(0, text.indexOf('\n---\n'))
  const commands = head.split('\n').flatMap(line => (line.startsWith('#   ') ? [line.slice(4)] : []))
  const { kubectl } = await findKubePrograms()
  await promisify(execFile)('sh', ['-ec', commands.join('\n')], {
    cwd: root,
    env: {
      PATH: `${resolve(kubectl, '..')}${delimiter}${process.env.PATH}`,
      KUBECONFIG: kube.kubeconfig,
      // Where kubectl keeps a cache.
      HOME: resolve(kube.kubeconfig, '..'),
    },
    maxBuffer: 16 * 1024 * 1024,
  })
  const secrets = JSON.parse(await kube.kubectl(['get', 'secrets', '-n', 'fairlead', '-o', 'json']))
    .items as {
    metadata: { name: string }
    data: Record<string, string>
  }[]
  const keys = secrets.find(({ metadata }) => metadata.name === 'fairlead-encryption-keys')?.data.keys ?? ''
  expect(Buffer.from(keys, 'base64').toString()).toMatch(/^k1:[A-Za-z0-9+/]{43}=$/)
  const values = secrets.flatMap(({ data }) => Object.values(data))
  expect(new Set(values).size).toBe(values.length)
  expect(await kube.kubectl(['get', 'deployments', '-n', 'fairlead', '-o', 'name'])).toContain(
    'fairlead-receiver',
  )
  // Every Secret that a pod names is one of those, with the key.
  const wanted = [...text.matchAll(/secretKeyRef: \{ name: ([\w-]+), key: ([\w-]+) \}/g)]
  expect(wanted.length).toBeGreaterThan(3)
  for (const [, name, key] of wanted) {
    expect(secrets.find(({ metadata }) => metadata.name === name)?.data, `${name}/${key}`).toHaveProperty([
      key!,
    ])
  }
})
