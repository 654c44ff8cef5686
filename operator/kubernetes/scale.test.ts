import { startTestKube, type TestKube } from '@fairlead/testbed/kube/api-server'
import { until } from '@fairlead/testbed/until'
import { KubeConfig } from '@kubernetes/client-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startOperator } from '../fixtures/operator.ts'
import { anOrganization } from '../organization/schema-rows.ts'
import { crdFolder } from '../write-crds.ts'
import { openKubernetes } from './client.ts'

const count = 1000
let kube: TestKube

beforeAll(async () => {
  kube = await startTestKube({ crds: crdFolder })
})
afterAll(async () => {
  await kube?.[Symbol.asyncDispose]()
})

/** Does something for each number below `count`, some at one time. */
async function forEach(count: number, act: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const lane = async () => {
    while (next < count) await act(next++)
  }
  await Promise.all(Array.from({ length: 16 }, lane))
}

test('a thousand Organizations are reconciled from cold within a minute, and a changed Secret within two seconds', async () => {
  const namespace = 'scale'
  await kube.kubectl(['create', 'namespace', namespace])
  const config = new KubeConfig()
  config.loadFromFile(kube.kubeconfig)
  using client = await openKubernetes(config)
  const putSecret = (index: number, value: string) =>
    client.apply(`/api/v1/namespaces/${namespace}/secrets/tenant-${index}`, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `tenant-${index}` },
      data: { github: Buffer.from(value).toString('base64') },
    })
  await forEach(count, async index => {
    await putSecret(index, 'test-cold')
    const secrets = [{ secretRef: { name: `tenant-${index}`, key: 'github' } }]
    await client.call({
      method: 'POST',
      path: `/apis/fairlead.dev/v1alpha1/namespaces/${namespace}/organizations`,
      body: anOrganization(
        { sources: [{ name: 'github', provider: 'github', secrets }] },
        { name: `tenant-${index}` },
      ),
    })
  })

  const startedMs = performance.now()
  await using operator = await startOperator(kube, { namespace })
  const reconciled = () =>
    operator.lines.filter(({ msg, reason }) => msg === 'organization.reconciled' && reason === 'Reconciled')
  await until(() => reconciled().length === count, {
    deadlineMs: 60_000,
    everyMs: 100,
    what: 'all reconciled',
  })
  const coldMs = performance.now() - startedMs
  expect(operator.store.applied.size).toBe(count)

  const delaysMs: number[] = []
  for (let index = 0; index < 100; index++) {
    await putSecret(index, 'test-rotated')
    const putMs = performance.now()
    const value = () => operator.store.applied.get(`tenant-${index}`)?.sources[0]?.secrets[0]?.value
    await until(() => value() === 'test-rotated', { everyMs: 1 })
    delaysMs.push(performance.now() - putMs)
  }
  delaysMs.sort((a, b) => a - b)
  console.log(
    `1,000 Organizations from cold: ${Math.round(coldMs)} ms; a changed Secret in the store: p50 ${delaysMs[50]?.toFixed(1)} ms, p99 ${delaysMs[98]?.toFixed(1)} ms`,
  )
  expect(delaysMs[98]).toBeLessThan(2000)
}, 240_000)
