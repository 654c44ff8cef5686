import { resolve } from 'node:path'
import { startOperatorOn } from '@fairlead/operator/fixtures/operator'
import { openKubernetes } from '@fairlead/operator/kubernetes/client'
import { KubeConfig } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { scratchFolder } from '../scratch.ts'
import { startTestStore } from '../store.ts'
import { until } from '../until.ts'
import { startTestKube, type TestKube } from './api-server.ts'
import { readSwitches } from './chart-switches.ts'
import { openDryRun } from './dry-run.ts'
import { findHelm, type Helm } from './helm.ts'

/**
 * What the chart renders, before a real API server: strictly, so that no misspelt field is dropped silently, and in a
 * namespace under Pod Security "restricted". Kinds of other projects are those of other-crds.yaml.
 */

const chart = resolve(import.meta.dirname, '../../charts/fairlead')
const production = ['--values', resolve(chart, 'values-production.yaml')]
const switches = await readSwitches(chart)
let kube: TestKube
let dryRun: (manifests: string) => Promise<string[]>
let helm: Helm
const cleanup = new AsyncDisposableStack()

beforeAll(async () => {
  helm = await findHelm(cleanup.use(await scratchFolder()).path)
  kube = cleanup.use(await startTestKube({ crds: resolve(chart, 'crds') }))
  dryRun = openDryRun(kube)
  await kube.kubectl(['apply', '-f', resolve(import.meta.dirname, 'other-crds.yaml')])
  await kube.kubectl(['wait', '--for=condition=Established', '--timeout=120s', 'crd', '--all'])
  for (const name of ['fairlead', 'tenants', 'others']) {
    await kube.kubectl(['create', 'namespace', name])
    await kube.kubectl(['label', 'namespace', name, 'pod-security.kubernetes.io/warn=restricted'])
  }
}, 240_000)
afterAll(() => cleanup.disposeAsync())

const render = (args: readonly string[] = []) =>
  helm(['template', 'fl', chart, '--namespace', 'fairlead', ...args])

test('helm finds nothing wrong', async () => {
  await helm(['lint', '--strict', chart])
  await helm(['lint', '--strict', chart, ...production])
})

test.each([
  { name: 'the defaults', args: [] },
  { name: 'production', args: production },
  { name: 'an upgrade', args: ['--is-upgrade'] },
  {
    name: 'NATS, PostgreSQL and Redis by URL',
    args: ['--set', 'nats.url=nats://nats:4222,postgres.url=postgres://pg/fairlead,redis.url=redis://redis'],
  },
  {
    name: 'NATS, PostgreSQL and Redis by Secret',
    args: ['--set', 'nats.existingSecret=nats,postgres.existingSecret=pg,redis.existingSecret=redis'],
  },
  {
    name: 'keys and NATS users of one’s own',
    args: ['--set', 'encryptionKeys.existingSecret=keys,nats.url=nats://nats,nats.usersSecret=users'],
  },
  {
    name: 'private destinations, a registry, traces and nodes of one’s own',
    args: [
      ...['--set', 'worker.destinationAllow={10.1.0.0/16},imagePullSecrets[0].name=registry'],
      ...['--set', 'telemetry.endpoint=http://collector:4318,receiver.trustedProxies={10.0.0.0/8,192.0.2.1}'],
      ...['--set', 'telemetry.ratio=0,telemetry.headersSecret=otlp,telemetry.resourceAttributes=team=hooks'],
      ...['--set', 'nodeSelector.pool=webhooks,tolerations[0].key=webhooks,tolerations[0].operator=Exists'],
      ...['--set', 'worker.env[0].name=FAIRLEAD_WORKER_NAME,worker.env[0].value=one'],
      ...['--set', 'networkPolicy.extraEgress[0].ports[0].port=4318'],
      ...['--set', 'receiver.service.annotations.example\\.com/scheme=internet-facing'],
    ],
  },
])('the API server takes $name', async ({ args }) => {
  await expect(dryRun(await render(args))).resolves.toContain('Deployment/fl-receiver')
})

describe('every switch', () => {
  // Two of one part, so that there is a budget to switch off.
  const base = ['--set', 'api.replicas=2']
  let byDefault: ReadonlySet<string>
  beforeAll(async () => {
    byDefault = new Set(documentsOf(await render(base)))
  })
  const signIn = 'signIn.consoleUrl=https://console.example.com,signIn.smtp.existingSecret=smtp'
  /** What a switch needs beside it. */
  const company: Readonly<Record<string, string>> = {
    'ingress.enabled=true': 'ingress.host=hooks.example.com,ingress.className=nginx,ingress.tlsSecret=hooks',
    'httpRoute.enabled=true':
      'httpRoute.parentRefs[0].name=public,httpRoute.parentRefs[0].namespace=gateways',
    'signIn.tenantAccounts.enabled=true': signIn,
    'stripeConnect.scope=read_write': `${signIn},stripeConnect.clientId=ca_test,stripeConnect.existingSecret=connect`,
    'worker.autoscaling.kind=keda': 'worker.autoscaling.prometheusUrl=http://prometheus:9090',
  }

  test.each(switches)('$set', async ({ set }) => {
    const args = [...base, '--set', [set, company[set]].filter(Boolean).join(',')]
    const documents = documentsOf(await render(args))
    const changed = documents.filter(document => !byDefault.has(document))
    if (changed.length > 0) await dryRun(changed.join('\n---\n'))
    else expect(documents.length, 'what the switch takes away').toBeLessThan(byDefault.size)
  })

  test('are these', () => {
    expect(new Set(switches.map(({ path }) => path))).toEqual(
      new Set([
        ...['image.pullPolicy', 'logLevel', 'receiver.service.type', 'api.service.type'],
        ...['receiver.autoscaling.enabled', 'worker.autoscaling.kind', 'redis.enabled'],
        ...['podDisruptionBudget.enabled', 'topologySpread.whenUnsatisfiable', 'networkPolicy.enabled'],
        ...['ingress.enabled', 'httpRoute.enabled', 'serviceMonitor.enabled', 'prometheusRule.enabled'],
        ...['dashboards.enabled', 'test.enabled', 'api.simulator', 'prober.enabled'],
        ...['signIn.tenantAccounts.enabled', 'stripeConnect.scope'],
      ]),
    )
  })
})

/** A manifest's documents, without those whose secrets are made anew each time. */
function documentsOf(manifest: string): string[] {
  return manifest.split(/^---$/m).filter(text => /^kind:/m.test(text) && !/^kind: Secret$/m.test(text))
}

test.each([
  [
    'a field that is misspelt',
    'kind: HTTPRoute',
    '  hostnames:',
    '  hostname:',
    /unknown field "spec.hostname"/,
  ],
  [
    'a pod that is not restricted',
    '',
    'runAsNonRoot: true',
    'runAsNonRoot: false',
    /violate PodSecurity "restricted/,
  ],
] as const)('the same dry run refuses %s', async (_name, kind, text, wrong, message) => {
  const documents = documentsOf(await render(production)).filter(document => document.includes(kind))
  await expect(dryRun(documents.join('\n---\n').replaceAll(text, wrong))).rejects.toThrow(message)
})

test.each([
  ['receiver.replica=3', /additional properties 'replica' not allowed/],
  ['worker.resources.limits.memroy=1Gi', /additional properties 'memroy' not allowed/],
  ['worker.autoscaling.kind=cron', /value must be one of 'none', 'hpa', 'keda'/],
  ['worker.autoscaling.kind=keda', /worker.autoscaling.prometheusUrl is needed for KEDA/],
  ['ingress.enabled=true', /ingress.host is needed for an Ingress/],
  ['publicUrl=hooks.example.com', /'hooks.example.com' does not match pattern/],
])('%s is refused', async (set, message) => {
  await expect(render(['--set', set])).rejects.toThrow(message)
})

test('keys and passwords are made once: neither an upgrade nor a new installation writes them over', async () => {
  const release = ['fl', chart, '--namespace', 'kept', '--kubeconfig', kube.kubeconfig, '--no-hooks']
  const secrets = async () => {
    const list = JSON.parse(await kube.kubectl(['get', 'secrets', '--namespace', 'kept', '-o', 'json']))
    const own = list.items.filter(({ type }: { type: string }) => type === 'Opaque')
    return own.map((item: { metadata: { name: string }; data: object }) => [item.metadata.name, item.data])
  }
  await helm(['install', ...release, '--create-namespace', '--skip-crds'])
  const made = await secrets()
  expect(made.map(([name]: [string]) => name)).toEqual(['fl-encryption-keys', 'fl-nats', 'fl-postgres'])
  await helm(['upgrade', ...release, '--set', 'api.replicas=2'])
  expect(await secrets()).toEqual(made)
  await helm(['uninstall', 'fl', '--namespace', 'kept', '--kubeconfig', kube.kubeconfig, '--no-hooks'])
  expect(await secrets()).toEqual(made)
  await helm(['install', ...release, '--skip-crds'])
  expect(await secrets()).toEqual(made)
  await helm(['uninstall', 'fl', '--namespace', 'kept', '--kubeconfig', kube.kubeconfig, '--no-hooks'])
})

/** What the chart tells the operator of a release about its Lease. */
async function leaseSettings(release: string): Promise<Record<string, string>> {
  const only = ['--show-only', 'templates/operator-deployment.yaml']
  const { spec } = parse(await helm(['template', release, chart, '--namespace', 'fairlead', ...only]))
  const env: { name: string; value: string }[] = spec.template.spec.containers[0].env
  return Object.fromEntries(
    env.flatMap(({ name, value }) => (name.startsWith('FAIRLEAD_OPERATOR_LEASE_') ? [[name, value]] : [])),
  )
}

test('two releases in one namespace have a Lease each', async () => {
  expect(await leaseSettings('one')).not.toEqual(await leaseSettings('two'))
})

test('the operator can do its work with its own rights, and no more', { timeout: 240_000 }, async () => {
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
  await using store = await startTestStore()
  await using operator = await startOperatorOn(kube, store, {
    namespace: 'tenants',
    kubeconfig,
    env: await leaseSettings('fl'),
  })
  await operator.apply('acme', {})
  await until(async () => (await operator.reason('acme')) === 'Reconciled', {
    deadlineMs: 60_000,
    what: 'a reconciled Organization',
  })
  await until(async () => (await operator.kubectl(['get', 'events'])).includes('Reconciled'), {
    what: 'the event that says so',
  })
  const replay = (name: string, spec: object) =>
    operator.kubectl(['apply', '-f', '-'], {
      apiVersion: 'fairlead.dev/v1alpha1',
      kind: 'Replay',
      metadata: { name },
      spec: { organization: 'acme', ...spec },
    })
  await replay('counted', { dryRun: true, ttlSecondsAfterFinished: 1 })
  await replay('done', {})
  await operator.kubectl(['wait', '--for=condition=Complete', 'replay/done', '--timeout=120s'])
  await operator.kubectl(['wait', '--for=delete', 'replay/counted', '--timeout=120s'])
  await operator.kubectl(['delete', 'replay', 'done', '--timeout=120s'])
  await operator.kubectl(['delete', 'org', 'acme', '--timeout=120s'])
  // A machine that is short of processors lets a request time out, and the operator asks again: it is a refusal that must not be.
  const isTimeout = (err: unknown) => /due to timeout/.test(String((err as Error | undefined)?.message))
  expect(
    operator.lines.filter(
      ({ msg, err }) =>
        (String(msg).endsWith('.failed') || String(msg).endsWith('.interrupted')) && !isTimeout(err),
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
