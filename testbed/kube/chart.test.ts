import { resolve } from 'node:path'
import { startOperator } from '@fairlead/operator/fixtures/operator'
import { openKubernetes } from '@fairlead/operator/kubernetes/client'
import { KubeConfig } from '@kubernetes/client-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { scratchFolder } from '../scratch.ts'
import { until } from '../until.ts'
import { startTestKube, type TestKube } from './api-server.ts'
import { findHelm, type Helm } from './helm.ts'

const chart = resolve(import.meta.dirname, '../../charts/fairlead')
let kube: TestKube
let helm: Helm
const cleanup = new AsyncDisposableStack()

beforeAll(async () => {
  helm = await findHelm(cleanup.use(await scratchFolder()).path)
  kube = cleanup.use(await startTestKube({ crds: resolve(chart, 'crds') }))
  for (const name of ['fairlead', 'tenants', 'others']) await kube.kubectl(['create', 'namespace', name])
  await kube.kubectl(['label', 'namespace', 'fairlead', 'pod-security.kubernetes.io/warn=restricted'])
})
afterAll(() => cleanup.disposeAsync())

const render = (args: readonly string[] = []) =>
  helm(['template', 'fl', chart, '--namespace', 'fairlead', ...args])

test('helm finds nothing wrong', async () => {
  await helm(['lint', '--strict', chart])
  await helm(['lint', '--strict', chart, '--values', resolve(chart, 'values-production.yaml')])
})

test.each([
  { name: 'the defaults', args: [] },
  { name: 'production', args: ['--values', resolve(chart, 'values-production.yaml')] },
  { name: 'an upgrade', args: ['--is-upgrade'] },
  {
    name: 'NATS, PostgreSQL and Redis of one’s own',
    args: ['--set', 'nats.url=nats://nats:4222,postgres.existingSecret=pg,redis.existingSecret=redis'],
  },
  { name: 'no Redis', args: ['--set', 'redis.enabled=false'] },
  { name: 'keys of one’s own', args: ['--set', 'encryptionKeys.existingSecret=keys'] },
  {
    name: 'no policies and budgets',
    args: ['--set', 'networkPolicy.enabled=false,podDisruptionBudget.enabled=false,api.replicas=3'],
  },
  {
    name: 'an Ingress',
    args: ['--set', 'ingress.enabled=true,ingress.host=hooks.example.com,ingress.className=nginx'],
  },
  {
    name: 'private destinations, a registry of one’s own',
    args: ['--set', 'worker.destinationAllow={10.1.0.0/16},imagePullSecrets[0].name=registry'],
  },
])('the API server takes $name, strictly and with restricted pods', async ({ args }) => {
  const manifests = await render(args)
  const dryRun = ['apply', '--dry-run=server', '--validate=strict', '--warnings-as-errors', '-f', '-']
  await expect(kube.kubectl(dryRun, manifests)).resolves.toContain('deployment.apps/fl-receiver')
})

test('the same test refuses pods that are not restricted', async () => {
  const manifests = (await render()).replaceAll('runAsNonRoot: true', 'runAsNonRoot: false')
  const dryRun = ['apply', '--dry-run=server', '--validate=strict', '--warnings-as-errors', '-f', '-']
  await expect(kube.kubectl(dryRun, manifests)).rejects.toThrow(
    'would violate PodSecurity "restricted:latest"',
  )
})

test('a value that is misspelt is refused', async () => {
  await expect(render(['--set', 'receiver.replica=3'])).rejects.toThrow(
    /additional properties 'replica' not allowed/,
  )
})

test('the operator can do its work with its own rights, and no more', async () => {
  const manifests = await render([
    '--set',
    'operator.namespaces={tenants}',
    '--show-only',
    'templates/operator-serviceaccount.yaml',
    ...['role', 'rolebinding', 'lease-role', 'lease-rolebinding'].flatMap(name => [
      '--show-only',
      `templates/operator-${name}.yaml`,
    ]),
  ])
  await kube.kubectl(['apply', '-f', '-'], manifests)
  const token = await kube.kubectl(['create', 'token', 'fl-operator', '--namespace', 'fairlead'])
  const kubeconfig = await kube.kubeconfigFor('operator', token.trim())
  await using operator = await startOperator(kube, {
    namespace: 'tenants',
    kubeconfig,
    env: { FAIRLEAD_OPERATOR_LEASE_NAMESPACE: 'fairlead' },
  })
  await operator.apply('acme', {})
  await until(async () => (await operator.reason('acme')) === 'Reconciled', { deadlineMs: 20_000 })
  await until(async () => (await operator.kubectl(['get', 'events'])).includes('Reconciled'))
  await operator.kubectl(['delete', 'org', 'acme', '--timeout=10s'])
  expect(
    operator.lines.filter(
      ({ msg }) => String(msg).endsWith('.failed') || String(msg).endsWith('.interrupted'),
    ),
  ).toEqual([])

  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  using client = await openKubernetes(config)
  for (const path of [
    '/api/v1/namespaces/others/secrets',
    '/api/v1/secrets',
    '/api/v1/namespaces/fairlead/secrets/fl-encryption-keys',
  ]) {
    await expect(client.call({ method: 'GET', path }), path).rejects.toMatchObject({
      status: 403,
      reason: 'Forbidden',
    })
  }
  const deletion = client.call({ method: 'DELETE', path: '/api/v1/namespaces/tenants/secrets/acme' })
  await expect(deletion).rejects.toMatchObject({ status: 403 })
})
