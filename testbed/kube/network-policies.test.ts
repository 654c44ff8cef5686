import { describe, expect, test } from 'vitest'
import { allows, type End, type NetworkPolicy, type Pod, readPods, readPolicies } from './network-policies.ts'

/** The policies of https://kubernetes.io/docs/concepts/services-networking/network-policies/, and what it says of each. */

const policy = (spec: string, name = 'test'): NetworkPolicy =>
  readPolicies(`
kind: NetworkPolicy
metadata: { name: ${name}, namespace: default }
spec:
${spec.replace(/^/gm, '  ')}`)[0]!

const pod = (namespace: string, labels: Record<string, string>, address = '10.244.0.9'): Pod => ({
  kind: 'pod',
  namespace,
  labels,
  address,
  namedPorts: { redis: { number: 6379, protocol: 'TCP' } },
})
const address = (text: string): End => ({ kind: 'address', address: text })

const namespaces = {
  default: { 'kubernetes.io/metadata.name': 'default' },
  mine: { 'kubernetes.io/metadata.name': 'mine', project: 'myproject', user: 'alice' },
  other: { 'kubernetes.io/metadata.name': 'other' },
}
const database = pod('default', { role: 'db' })
const frontend = pod('default', { role: 'frontend' })
const stranger = pod('other', { role: 'frontend' })

const documented = policy(`
podSelector: { matchLabels: { role: db } }
policyTypes: [Ingress, Egress]
ingress:
  - from:
      - ipBlock: { cidr: 172.17.0.0/16, except: [172.17.1.0/24] }
      - namespaceSelector: { matchLabels: { project: myproject } }
      - podSelector: { matchLabels: { role: frontend } }
    ports: [{ protocol: TCP, port: 6379 }]
egress:
  - to: [{ ipBlock: { cidr: 10.0.0.0/24 } }]
    ports: [{ protocol: TCP, port: 5978 }]`)

describe('the example with everything in it', () => {
  test.each<[string, End, End, number, boolean]>([
    ['a frontend of the same namespace', frontend, database, 6379, true],
    ['the same on another port', frontend, database, 6380, false],
    ['another pod of the same namespace', pod('default', { role: 'web' }), database, 6379, false],
    ['any pod of a chosen namespace', pod('mine', { role: 'web' }), database, 6379, true],
    ['a frontend of another namespace', stranger, database, 6379, false],
    ['an address of the block', address('172.17.9.1'), database, 6379, true],
    ['an address that is excepted', address('172.17.1.9'), database, 6379, false],
    ['an address outside of the block', address('172.18.0.1'), database, 6379, false],
    ['out to the block on its port', database, address('10.0.0.200'), 5978, true],
    ['out to the block on another port', database, address('10.0.0.200'), 5979, false],
    ['out to another address', database, address('10.0.1.1'), 5978, false],
    ['out to a pod', database, frontend, 5978, false],
    ['between pods that are not selected', frontend, stranger, 80, true],
  ])('%s', (_name, from, to, port, expected) => {
    expect(allows({ from, to, port }, { policies: [documented], namespaces })).toBe(expected)
  })

  test('UDP is not TCP', () => {
    const udp = { from: frontend, to: database, port: 6379, protocol: 'UDP' } as const
    expect(allows(udp, { policies: [documented], namespaces })).toBe(false)
  })
})

describe.each<[string, string, { in: boolean; out: boolean }]>([
  ['none at all', '', { in: true, out: true }],
  ['default deny all ingress', 'podSelector: {}\npolicyTypes: [Ingress]', { in: false, out: true }],
  ['allow all ingress', 'podSelector: {}\ningress: [{}]\npolicyTypes: [Ingress]', { in: true, out: true }],
  ['default deny all egress', 'podSelector: {}\npolicyTypes: [Egress]', { in: true, out: false }],
  ['allow all egress', 'podSelector: {}\negress: [{}]\npolicyTypes: [Egress]', { in: true, out: true }],
  ['default deny all', 'podSelector: {}\npolicyTypes: [Ingress, Egress]', { in: false, out: false }],
  ['no types, no rules: ingress only', 'podSelector: {}', { in: false, out: true }],
  ['no types, egress rules: both', 'podSelector: {}\negress: [{}]', { in: false, out: true }],
  ['an empty list of egress rules: both', 'podSelector: {}\negress: []', { in: false, out: false }],
])('%s', (_name, spec, expected) => {
  const policies = spec === '' ? [] : [policy(spec)]

  test(`lets ${expected.in ? 'all' : 'none'} in and ${expected.out ? 'all' : 'none'} out`, () => {
    const into = allows({ from: stranger, to: database, port: 80 }, { policies, namespaces })
    const out = allows({ from: database, to: stranger, port: 80 }, { policies, namespaces })
    expect({ in: into, out }).toEqual(expected)
  })
})

describe('selectors of peers', () => {
  const from = (peers: string) => policy(`podSelector: {}\ningress:\n  - from:\n${peers}`)
  const both = from(`
      - namespaceSelector: { matchLabels: { user: alice } }
        podSelector: { matchLabels: { role: client } }`)
  const either = from(`
      - namespaceSelector: { matchLabels: { user: alice } }
      - podSelector: { matchLabels: { role: client } }`)
  const expressions = from(`
      - namespaceSelector:
          matchExpressions:
            - { key: kubernetes.io/metadata.name, operator: In, values: [mine, other] }
            - { key: project, operator: DoesNotExist }
        podSelector: { matchExpressions: [{ key: role, operator: Exists }, { key: role, operator: NotIn, values: [web] }] }`)

  test.each<[string, NetworkPolicy, Pod, boolean]>([
    ['one peer with both selectors needs both', both, pod('mine', { role: 'client' }), true],
    ['… the namespace alone is too little', both, pod('mine', { role: 'web' }), false],
    ['… the pod alone is too little', both, pod('default', { role: 'client' }), false],
    ['two peers need one', either, pod('mine', { role: 'web' }), true],
    ['… a pod selector means this namespace', either, pod('default', { role: 'client' }), true],
    ['… and no other', either, pod('other', { role: 'client' }), false],
    ['expressions: all of them hold', expressions, pod('other', { role: 'client' }), true],
    ['… a label that must not be there', expressions, pod('mine', { role: 'client' }), false],
    ['… a value that must not be', expressions, pod('other', { role: 'web' }), false],
    ['… a label that must be there', expressions, pod('other', {}), false],
  ])('%s', (_name, only, peer, expected) => {
    expect(allows({ from: peer, to: database, port: 80 }, { policies: [only], namespaces })).toBe(expected)
  })
})

describe('ports', () => {
  const range = policy(`
podSelector: {}
policyTypes: [Egress]
egress:
  - to: [{ ipBlock: { cidr: 10.0.0.0/24 } }]
    ports: [{ protocol: TCP, port: 32000, endPort: 32768 }]`)
  const named = policy('podSelector: {}\ningress: [{ ports: [{ port: redis }] }]')

  test.each([
    [31_999, false],
    [32_000, true],
    [32_768, true],
    [32_769, false],
  ])('a range: %i', (port, expected) => {
    const connection = { from: database, to: address('10.0.0.7'), port }
    expect(allows(connection, { policies: [range], namespaces })).toBe(expected)
  })

  test.each([
    [6379, true],
    [80, false],
  ])('a name is the port that the pod names so: %i', (port, expected) => {
    expect(allows({ from: stranger, to: database, port }, { policies: [named], namespaces })).toBe(expected)
  })
})

test('policies add up', () => {
  const policies = [policy('podSelector: {}'), documented]
  expect(allows({ from: frontend, to: database, port: 6379 }, { policies, namespaces })).toBe(true)
  expect(allows({ from: stranger, to: database, port: 6379 }, { policies, namespaces })).toBe(false)
})

test('both ends must allow it', () => {
  const outDenied = policy('podSelector: { matchLabels: { role: frontend } }\npolicyTypes: [Egress]')
  const policies = [documented, outDenied]
  expect(allows({ from: frontend, to: database, port: 6379 }, { policies, namespaces })).toBe(false)
})

test('an IPv4 block holds no IPv6 address', () => {
  const policies = [policy('podSelector: {}\negress: [{ to: [{ ipBlock: { cidr: 0.0.0.0/0 } }] }]')]
  expect(allows({ from: database, to: address('192.0.2.1'), port: 443 }, { policies, namespaces })).toBe(true)
  expect(allows({ from: database, to: address('2001:db8::1'), port: 443 }, { policies, namespaces })).toBe(
    false,
  )
})

test('a field that is not evaluated is refused', () => {
  expect(() => policy('podSelector: {}\ningresss: []')).toThrow(/ingresss/)
})

test('pods are read from their workloads', () => {
  const pods = readPods(`
kind: Deployment
metadata: { name: fl-api, namespace: fairlead }
spec:
  template:
    metadata: { labels: { app.kubernetes.io/component: api } }
    spec: { containers: [{ name: api, ports: [{ name: http, containerPort: 8081 }] }] }
---
kind: Service
metadata: { name: fl-api, namespace: fairlead }`)
  expect([...pods.keys()]).toEqual(['api'])
  expect(pods.get('api')?.namedPorts).toEqual({ http: { number: 8081, protocol: 'TCP' } })
})
