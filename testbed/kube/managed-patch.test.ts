import { resolve } from 'node:path'
import { changedItem, managedByKubernetes, secretRefs } from '@fairlead/api/managed-by-kubernetes'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestKube, type TestKube } from './api-server.ts'

/** What the API answers to whoever would change what a resource declares, given to a real API server. */

let kube: TestKube
beforeAll(async () => {
  kube = await startTestKube({ crds: resolve(import.meta.dirname, '../../charts/fairlead/crds') })
  await kube.kubectl(['apply', '-f', '-'], JSON.stringify(organization))
})
afterAll(async () => await kube?.[Symbol.asyncDispose]())

const stripe = {
  name: 'stripe',
  provider: 'stripe',
  secrets: [{ secretRef: { name: 'acme-stripe', key: 'signing-secret' } }],
}
const github = {
  name: 'github',
  provider: 'github',
  secrets: [{ secretRef: { name: 'acme', key: 'github' } }],
}
const billing = { name: 'billing', url: 'https://billing.example/hooks', timeoutSeconds: 5 }
const routes = [
  { source: 'stripe', eventTypes: ['invoice.*'], destinations: ['billing'] },
  { source: 'github', eventTypes: ['push'], destinations: ['billing'] },
]
const organization = {
  apiVersion: 'fairlead.dev/v1alpha1',
  kind: 'Organization',
  metadata: { name: 'acme', namespace: 'default' },
  spec: { plan: 'pro', sources: [stripe, github], destinations: [billing], routes },
}

interface Spec {
  readonly plan: string
  readonly sources: readonly Record<string, unknown>[]
  readonly destinations: readonly Record<string, unknown>[]
  readonly routes: readonly unknown[]
}

/** The resource as it would be, by the command that stands in the patch. */
async function applied(spec: Record<string, unknown>): Promise<Spec> {
  const owner = { kind: OwnerKind.KUBERNETES, reference: 'default/acme' }
  const { patch } = managedByKubernetes({ slug: 'acme', owner: owner as never }, spec).facts
  const [, command = ''] = /kubectl (apply [^\n]*) -f -/.exec(patch!) ?? []
  const answer = await kube.kubectl(
    [...command.split(' '), '--dry-run=server', '-o', 'json', '-f', '-'],
    patch,
  )
  return (JSON.parse(answer) as { spec: Spec }).spec
}

test.each([
  {
    name: 'a limit of a source',
    spec: { sources: [changedItem(stripe, { ...stripe, rateLimit: { perSecond: 9 } })] },
    changed: (spec: Spec) => spec.sources.find(({ name }) => name === 'stripe')?.rateLimit,
    is: { perSecond: 9 },
  },
  {
    name: 'a secret that is added to a source',
    spec: {
      sources: [
        changedItem(stripe, {
          ...stripe,
          secrets: secretRefs('stripe', [{ id: 'acme-stripe/signing-secret' }, { id: 'next' }]),
        }),
      ],
    },
    changed: (spec: Spec) => spec.sources.find(({ name }) => name === 'stripe')?.secrets,
    is: [...stripe.secrets, { secretRef: { name: 'stripe', key: 'next' } }],
  },
  {
    name: 'a source that is to go',
    spec: { sources: [{ name: 'github', active: false }] },
    changed: (spec: Spec) => spec.sources.find(({ name }) => name === 'github')?.active,
    is: false,
  },
  {
    name: 'the URL of a destination',
    spec: { destinations: [changedItem(billing, { ...billing, url: 'https://new.example/' })] },
    changed: (spec: Spec) => spec.destinations[0]?.url,
    is: 'https://new.example/',
  },
  {
    name: 'a route that is to go',
    spec: { routes: routes.slice(1) },
    changed: (spec: Spec) => spec.routes,
    is: routes.slice(1),
  },
  { name: 'a plan', spec: { plan: 'free' }, changed: (spec: Spec) => spec.plan, is: 'free' },
])('an API server takes the patch for $name, and leaves all else as it is', async ({ spec, changed, is }) => {
  const before = JSON.parse(await kube.kubectl(['get', 'org', 'acme', '-o', 'json'])) as { spec: Spec }
  const after = await applied(spec)
  expect(changed(after)).toEqual(is)
  const [list] = Object.keys(spec) as (keyof Spec)[]
  expect({ ...after, [list!]: undefined }).toEqual({ ...before.spec, [list!]: undefined })
  if (list !== 'sources' && list !== 'destinations') return
  const names = (all: Spec) => all[list].map(({ name }) => name)
  expect(names(after)).toEqual(names(before.spec))
})
