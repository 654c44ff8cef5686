import { isDeepStrictEqual } from 'node:util'
import { startApiProxy } from '@fairlead/testbed/kube/api-proxy'
import { startTestKube, type TestKube } from '@fairlead/testbed/kube/api-server'
import { until } from '@fairlead/testbed/until'
import { KubeConfig } from '@kubernetes/client-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startOperator } from '../fixtures/operator.ts'
import { crdFolder } from '../write-crds.ts'
import { openKubernetes } from './client.ts'

let kube: TestKube

beforeAll(async () => {
  kube = await startTestKube({
    crds: crdFolder,
    controllers: ['garbage-collector-controller'],
  })
})
afterAll(async () => {
  await kube?.[Symbol.asyncDispose]()
})

const source = {
  name: 'github',
  provider: 'github',
  secrets: [{ secretRef: { name: 'acme', key: 'github' } }],
}

/** Of two operators: a lease that outlasts a machine which stands still for a moment. */
const longLease = { FAIRLEAD_OPERATOR_LEASE_SECONDS: '8' }

/** Slugs are the platform's, and tests share none: each has a store of its own. */
test('an Organization gets its Secret, its rows and its status', async () => {
  await using operator = await startOperator(kube)
  await operator.applySecret('acme', { github: 'test-only\n' })
  await operator.apply('acme', {
    sources: [source],
    destinations: [{ name: 'billing', url: 'https://billing.example.com/' }],
  })
  await until(async () => (await operator.reason('acme')) === 'Reconciled')
  expect(operator.store.applied.get('acme')?.sources[0]?.secrets[0]?.value).toBe('test-only')
  expect(await operator.secret('acme-fairlead')).toMatchObject({
    'api-key': expect.stringMatching(/^sk_live_fl_/),
    'signing-key': expect.stringMatching(/^whsec_/),
    'url-github': 'https://hooks.example.com/webhooks/acme/github',
  })
  const { status, metadata } = await operator.get('acme')
  expect(metadata.finalizers).toEqual(['fairlead.dev/organization'])
  expect(status).toMatchObject({
    secretName: 'acme-fairlead',
    summary: { sources: '1/1', destinations: '1/1' },
    waiting: 0,
    sources: [
      {
        name: 'github',
        url: 'https://hooks.example.com/webhooks/acme/github',
        secrets: [{ id: 'acme/github' }],
      },
    ],
  })
  expect(await operator.kubectl(['get', 'orgs'])).toMatch(/acme +True +1\/1 +1\/1 +0/)
  await until(async () =>
    (await operator.kubectl(['describe', 'org', 'acme'])).includes('Ready: everything declared is in force'),
  )
})

test('a change of the spec and a secret rotated in place reach the store', async () => {
  await using operator = await startOperator(kube)
  await operator.applySecret('acme', { github: 'test-one' })
  await operator.apply('acme', { sources: [source] })
  await until(() => operator.store.applied.get('acme')?.sources[0]?.secrets[0]?.value === 'test-one')
  await operator.applySecret('acme', { github: 'test-two' })
  await until(() => operator.store.applied.get('acme')?.sources[0]?.secrets[0]?.value === 'test-two')
  await operator.apply('acme', { displayName: 'Acme', sources: [source] })
  await until(() => operator.store.applied.get('acme')?.displayName === 'Acme')
})

test('a Secret that is missing is waited for, and said to be missing; the rest is in force', async () => {
  await using operator = await startOperator(kube)
  const paypal = { name: 'paypal', provider: 'paypal', options: { webhookId: 'WH-TEST' } }
  await operator.apply('acme', { sources: [source, paypal] })
  await until(async () => (await operator.reason('acme', 'SecretsResolved')) === 'SecretMissing')
  expect(operator.store.applied.get('acme')?.sources.map(({ name }) => name)).toEqual(['paypal'])
  expect(await operator.kubectl(['get', 'orgs'])).toMatch(/acme +False +1\/2 /)
  await operator.applySecret('acme', { github: 'test-only' })
  await until(async () => (await operator.reason('acme')) === 'Reconciled')
  expect(operator.store.applied.get('acme')?.sources).toHaveLength(2)
})

test('a Secret that goes while its source is in force changes nothing, and is said to be missing', async () => {
  await using operator = await startOperator(kube)
  await operator.applySecret('acme', { github: 'test-only' })
  await operator.apply('acme', { sources: [source] })
  await until(async () => (await operator.reason('acme')) === 'Reconciled')
  await operator.kubectl(['delete', 'secret', 'acme'])
  await operator.apply('acme', { displayName: 'Changed', sources: [source] })
  await until(async () => (await operator.reason('acme')) === 'SecretMissing')
  expect(operator.store.applied.get('acme')).toMatchObject({
    displayName: 'acme',
    sources: [{ secrets: [{ value: 'test-only' }] }],
  })
  await operator.applySecret('acme', { github: 'test-two' })
  await until(() => operator.store.applied.get('acme')?.displayName === 'Changed')
})

test('a slug that another Organization has is refused, and taken once it is free', async () => {
  await using operator = await startOperator(kube)
  await operator.apply('acme', {})
  await until(async () => (await operator.reason('acme')) === 'Reconciled')
  await operator.apply('second', { slug: 'acme' })
  await until(async () => (await operator.reason('second')) === 'SlugTaken')
  expect((await operator.get('second')).status?.conditions[0]?.message).toContain(
    `${operator.namespace}/acme`,
  )
})

test('a Secret of someone else is not written over', async () => {
  await using operator = await startOperator(kube)
  await operator.applySecret('acme-fairlead', { mine: 'test-only' })
  await operator.apply('acme', {})
  await until(async () => (await operator.reason('acme')) === 'SecretNotOurs')
  expect(await operator.secret('acme-fairlead')).toEqual({ mine: 'test-only' })
})

test('keys are made once, and another one when its annotation asks for it', async () => {
  await using operator = await startOperator(kube)
  await operator.apply('acme', {})
  await until(async () => (await operator.reason('acme')) === 'Reconciled')
  const first = await operator.secret('acme-fairlead')
  await operator.apply('acme', {}, { 'fairlead.dev/rotate-signing-key': '2026-01-01' })
  const rotated = await until(async () => {
    const secret = await operator.secret('acme-fairlead')
    return secret['signing-key'] !== first['signing-key'] && secret
  })
  expect(rotated['signing-key-previous']).toBe(first['signing-key'])
  expect(rotated['api-key']).toBe(first['api-key'])
  await until(() => operator.store.applied.get('acme')?.signingSecrets.length === 2)
})

test('a deleted Organization is deleted in the store before it goes', async () => {
  await using operator = await startOperator(kube)
  await operator.apply('acme', {})
  await until(async () => (await operator.reason('acme')) === 'Reconciled')
  await operator.kubectl(['delete', 'org', 'acme', '--timeout=120s'])
  expect(operator.store.deleted).toEqual(['acme'])
  await until(async () => !(await operator.kubectl(['get', 'secrets'])).includes('acme-fairlead'))
})

test('what was deleted and changed while no operator ran is caught up with', async () => {
  await using operator = await startOperator(kube)
  await operator.apply('acme', {})
  await operator.apply('gone', {})
  await until(
    async () =>
      (await operator.reason('gone')) === 'Reconciled' && (await operator.reason('acme')) === 'Reconciled',
  )
  await operator.stop()
  await operator.kubectl(['delete', 'org', 'gone', '--wait=false'])
  await operator.apply('acme', { displayName: 'Changed' })
  await using _second = await startOperator(kube, { store: operator.store, namespace: operator.namespace })
  await until(
    () =>
      operator.store.deleted.includes('gone') &&
      operator.store.applied.get('acme')?.displayName === 'Changed',
  )
})

test('while the store is away Ready says so, and things go on by themselves', async () => {
  await using operator = await startOperator(kube)
  await operator.apply('acme', {})
  await until(async () => (await operator.reason('acme')) === 'Reconciled')
  await operator.store.stop()
  await operator.apply('acme', { displayName: 'Acme' })
  await until(async () => (await operator.reason('acme')) === 'StoreUnavailable')
  await operator.store.start()
  await until(async () => (await operator.reason('acme')) === 'Reconciled')
  expect(operator.store.applied.get('acme')?.displayName).toBe('Acme')
})

test('a deletion waits for the store, and says so', async () => {
  await using operator = await startOperator(kube)
  await operator.apply('acme', {})
  await until(async () => (await operator.reason('acme')) === 'Reconciled')
  await operator.store.stop()
  await operator.kubectl(['delete', 'org', 'acme', '--wait=false'])
  await until(async () => (await operator.reason('acme')) === 'StoreUnavailable')
  await operator.store.start()
  await operator.kubectl(['wait', '--for=delete', 'org/acme', '--timeout=120s'])
  expect(operator.store.deleted).toEqual(['acme'])
})

test('of two operators only the leader acts, and the other takes over when the leader stops', async () => {
  await using first = await startOperator(kube, { env: longLease })
  await until(() => first.lines.some(({ msg }) => msg === 'operator.leading'))
  await using second = await startOperator(kube, {
    store: first.store,
    namespace: first.namespace,
    env: longLease,
  })
  await first.apply('acme', {})
  await until(async () => (await first.reason('acme')) === 'Reconciled')
  const lease = async () =>
    JSON.parse(await first.kubectl(['get', 'lease', 'fairlead-operator', '-o', 'json'])).spec as {
      renewTime: string
      leaseTransitions: number
    }
  const { renewTime } = await lease()
  // For longer than the lease lasts: it is renewed, and stays with the first.
  await until(async () => Date.parse((await lease()).renewTime) > Date.parse(renewTime) + 8_500, {
    everyMs: 200,
    deadlineMs: 60_000,
  })
  expect((await lease()).leaseTransitions).toBe(0)
  expect(first.lines.some(({ msg }) => msg === 'lease.failed')).toBe(false)
  expect(second.lines.some(({ msg }) => msg === 'operator.leading')).toBe(false)
  await first.stop()
  await second.apply('acme', { displayName: 'Taken over' })
  await until(() => first.store.applied.get('acme')?.displayName === 'Taken over')
})

test('the leader counts Organizations: also those that were there before, and not those that are gone', async () => {
  await using first = await startOperator(kube, { env: longLease })
  for (const name of ['acme', 'beta']) await first.apply(name, {})
  const reconciled = (count: number) => [`fairlead_organizations{reason="Reconciled"} ${count}`]
  // Every reason has a line, most of them with 0.
  const shows = async (lines: readonly string[], { metric } = first) =>
    isDeepStrictEqual(
      (await metric('fairlead_organizations')).filter(line => !line.endsWith(' 0')),
      lines,
    )
  await until(() => shows(reconciled(2)))
  await using second = await startOperator(kube, {
    store: first.store,
    namespace: first.namespace,
    env: longLease,
  })
  expect(await shows([], second)).toBe(true)
  await first.stop()
  await until(() => shows(reconciled(2), second))
  expect(await shows([])).toBe(true)
  await second.kubectl(['delete', 'org', 'beta'])
  await until(() => shows(reconciled(1), second))
})

test('whatever happens in whatever order, the newest secret is the one in the store', async () => {
  await using proxy = await startApiProxy(kube)
  // Looks all the time, beside what happens; and no resync, which would hide what was missed.
  const periods = { refreshMs: 30 }
  await using operator = await startOperator(kube, { kubeconfig: proxy.kubeconfig, periods })
  const config = new KubeConfig()
  config.loadFromFile(kube.kubeconfig)
  using client = await openKubernetes(config)
  const names = Array.from({ length: 12 }, (_, index) => `tenant-${index}`)
  const secret = (name: string) => `/api/v1/namespaces/${operator.namespace}/secrets/${name}`
  // Not as the operator's own manager, which would take the other's fields away.
  const apply = (path: string, object: object) => client.apply(path, object, { fieldManager: 'test' })
  const put = (name: string, value: string) =>
    apply(secret(name), {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name },
      data: { github: Buffer.from(value).toString('base64') },
    })
  const organization = (name: string, displayName: string) =>
    apply(`/apis/fairlead.dev/v1alpha1/namespaces/${operator.namespace}/organizations/${name}`, {
      apiVersion: 'fairlead.dev/v1alpha1',
      kind: 'Organization',
      metadata: { name },
      spec: {
        displayName,
        sources: [{ name: 'github', provider: 'github', secrets: [{ secretRef: { name, key: 'github' } }] }],
      },
    })
  await Promise.all(
    names.map(async (name, index) => {
      for (let round = 0; round < 12; round++) {
        // Some of them together, some long after another; a few are gone for a moment.
        if ((round + index) % 5 === 0) await organization(name, `Round ${round}`)
        if (round > 0 && (round * 7 + index) % 6 === 0)
          await client.find({ method: 'DELETE', path: secret(name) })
        await put(name, `test-${round}`)
        if (index === 0 && round % 4 === 3) proxy.endWatches()
      }
      await organization(name, 'Last')
      await put(name, 'test-last')
    }),
  )
  for (const name of names) {
    const isLast = () => {
      const applied = operator.store.applied.get(name)
      return applied?.displayName === 'Last' && applied.sources[0]?.secrets[0]?.value === 'test-last'
    }
    await until(isLast, { what: `the newest secret of ${name}` })
  }
  expect(operator.lines.filter(({ msg }) => msg === 'organization.failed')).toEqual([])
})
