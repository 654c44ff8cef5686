import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scratchFolder } from '../scratch.ts'
import { findHelm, type Helm } from './helm.ts'
import { allows, type End, type Network, type Pod, readPods, readPolicies } from './network-policies.ts'

/** Who may reach whom by the chart's policies: every part × every part, strangers, and workers × addresses. */

const chart = resolve(import.meta.dirname, '../../charts/fairlead')
const cleanup = new AsyncDisposableStack()
let helm: Helm

beforeAll(async () => {
  helm = await findHelm(cleanup.use(await scratchFolder()).path)
})
afterAll(() => cleanup.disposeAsync())

interface Rendered extends Network {
  readonly pods: ReadonlyMap<string, Pod>
}

async function render(args: readonly string[]): Promise<Rendered> {
  const manifest = await helm(['template', 'fl', chart, '--namespace', 'fairlead', ...args])
  const namespaces = { fairlead: { 'kubernetes.io/metadata.name': 'fairlead' }, tenants: {} }
  return { policies: readPolicies(manifest), pods: readPods(manifest), namespaces }
}

const elsewhere: Pod = {
  kind: 'pod',
  namespace: 'tenants',
  labels: { app: 'billing' },
  address: '10.244.9.9',
  namedPorts: {},
}
/** Neither is part of Fairlead. */
const strangers = { elsewhere, internet: { kind: 'address', address: '203.0.113.7' } } as const

/** Everyone who may connect to a part's port, by name. */
function callersOf(part: string, port: number, { pods, ...network }: Rendered): string[] {
  const to = pods.get(part)
  if (!to) throw new TypeError(`the chart renders no ${part}`)
  const all: [string, End][] = [...pods, ...Object.entries(strangers)]
  return all
    .filter(([name, from]) => name !== part && allows({ from, to, port }, network))
    .map(([name]) => name)
    .sort()
}

const everyone =
  (...but: readonly string[]) =>
  (rendered: Rendered) =>
    [...rendered.pods.keys(), ...Object.keys(strangers)].filter(name => !but.includes(name)).sort()
const only =
  (...names: readonly string[]) =>
  () =>
    [...names].sort()

/** Each of Fairlead's own parts may reach what it needs and nothing else; the servers that the chart brings may try. */
const others = everyone('receiver', 'worker', 'store', 'api', 'operator')

/** A receiver, an API and everyone's metrics are open: an Ingress or Prometheus may be anywhere. */
const open: readonly [string, number, (rendered: Rendered) => string[]][] = [
  // The API too: the console's simulator sends to it.
  ['receiver', 8080, everyone('receiver', 'worker', 'store', 'operator')],
  ['receiver', 9090, others],
  ['api', 8081, others],
  ['api', 9090, others],
  ['operator', 9090, others],
  ['worker', 9090, others],
  ['worker', 8080, only()],
  ['store', 9090, others],
  ['store', 50051, only('api', 'operator')],
]
const bundled: typeof open = [
  ['nats', 4222, only('receiver', 'store', 'worker')],
  ['postgres', 5432, only('migrate', 'store')],
  ['redis', 6379, only('api', 'receiver')],
]

describe.each([
  { name: 'the defaults', args: [], table: [...open, ...bundled], servers: {} },
  {
    name: 'production',
    args: ['--values', resolve(chart, 'values-production.yaml')],
    table: open,
    servers: { 4222: ['receiver', 'store', 'worker'], 5432: ['store'], 6379: ['api', 'receiver'] },
  },
])('with $name', ({ args, table, servers }) => {
  let rendered: Rendered
  beforeAll(async () => {
    rendered = await render(args)
  })

  test('every part that others connect to is in the table', () => {
    const listed = new Set(table.map(([part]) => part))
    const silent = new Set(['migrate'])
    expect([...rendered.pods.keys()].filter(part => !listed.has(part) && !silent.has(part))).toEqual([])
  })

  test.each(table)('%s:%i is reached by those who need it', (part, port, expected) => {
    expect(callersOf(part, port, rendered)).toEqual(expected(rendered))
  })

  test.each([
    ['the internet', '203.0.113.7', 443, true],
    ['the internet on any port', '203.0.113.7', 8443, true],
    ['the internet by IPv6', '2001:4860::1', 443, true],
    ['a private network', '10.1.2.3', 443, false],
    ['a private network', '172.16.9.9', 443, false],
    ['a private network', '192.168.1.1', 80, false],
    ['addresses of a carrier', '100.64.3.4', 443, false],
    ['a cloud’s metadata', '169.254.169.254', 80, false],
    ['a cloud’s metadata by IPv6', 'fd00:ec2::254', 80, false],
    ['a private network by IPv6', 'fd12:3456::1', 443, false],
    ['a link by IPv6', 'fe80::1', 443, false],
    ['the API server’s Service', '10.96.0.1', 443, false],
    ['a node’s kubelet', '192.168.7.4', 10250, false],
  ])('a worker and %s: %s:%i', (_name, address, port, expected) => {
    const from = rendered.pods.get('worker')!
    expect(allows({ from, to: { kind: 'address', address }, port }, rendered)).toBe(expected)
  })

  test.each([4222, 5432, 6379])('a server that is not the chart’s own, on port %i', port => {
    const to = { kind: 'address', address: '10.20.0.5' } as const
    const parts = ['api', 'operator', 'receiver', 'store', 'worker']
    const callers = parts.filter(part => allows({ from: rendered.pods.get(part)!, to, port }, rendered))
    expect(callers).toEqual(Reflect.get(servers, port) ?? [])
  })
})

test('what workers are allowed of the private ranges, they reach, and no more', async () => {
  const rendered = await render(['--set', 'worker.destinationAllow={10.1.0.0/16}'])
  const from = rendered.pods.get('worker')!
  const reaches = (address: string) => allows({ from, to: { kind: 'address', address }, port: 443 }, rendered)
  expect([reaches('10.1.2.3'), reaches('10.2.0.1')]).toEqual([true, false])
})

test('a prober is reached by workers and its test alone, and reaches receivers, the API, the store and NATS', async () => {
  const rendered = await render(['--set', 'prober.enabled=true'])
  const others = everyone('receiver', 'worker', 'store', 'api', 'operator', 'prober')
  expect(callersOf('prober', 8083, rendered)).toEqual(['worker'])
  expect(callersOf('prober', 9090, rendered)).toEqual(others(rendered))
  expect(callersOf('store', 50051, rendered)).toEqual(['api', 'operator', 'prober'])
  expect(callersOf('nats', 4222, rendered)).toEqual(['prober', 'receiver', 'store', 'worker'])
  expect(callersOf('postgres', 5432, rendered)).toEqual(['migrate', 'store'])
  const from = rendered.pods.get('prober')!
  const reaches = (part: string, port: number) =>
    allows({ from, to: rendered.pods.get(part)!, port }, rendered)
  expect([reaches('receiver', 8080), reaches('api', 8081), reaches('redis', 6379)]).toEqual([
    true,
    true,
    false,
  ])
})

test('without policies everyone reaches everyone: the table shows the policies, not the evaluator', async () => {
  const rendered = await render(['--set', 'networkPolicy.enabled=false'])
  expect(rendered.policies).toEqual([])
  expect(callersOf('postgres', 5432, rendered)).toEqual(everyone('postgres')(rendered))
})
