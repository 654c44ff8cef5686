import { expect, test } from 'vitest'
import { parseFile, textOfFault } from './parse.ts'

const head = 'apiVersion: fairlead.dev/v1alpha1\nkind: Organization\nmetadata:\n  name: acme\n'

test.each([
  {
    name: 'a misspelt provider, at its own line',
    text: `${head}spec:\n  sources:\n    - name: github\n      provider: github\n    - name: stripe\n      provider: strpe\n`,
    faults: ['acme.yaml:10: spec.sources[1].provider: "strpe" is not known; did you mean stripe?'],
  },
  {
    name: 'a misspelt field, at its own line',
    text: `${head}spec:\n  displayname: Acme\n`,
    faults: ['acme.yaml:6: spec.displayname: is no field here; did you mean displayName?'],
  },
  {
    name: 'a missing field, at what it is missing from',
    text: `${head}spec:\n  routes:\n    - source: stripe\n`,
    faults: ['acme.yaml:7: spec.routes[0].destinations: is missing: give it'],
  },
  {
    name: 'a destination of no kind',
    text: `${head}spec:\n  destinations:\n    - name: billing\n`,
    faults: ['acme.yaml:7: spec.destinations[0]: give one of url, nats and processor'],
  },
  {
    name: 'every fault, not just the first',
    text: `${head}spec:\n  retentionDays: 0\n  plan: 7\n`,
    faults: [
      'acme.yaml:7: spec.plan: must be a text, not a number: put it in quotes',
      'acme.yaml:6: spec.retentionDays: must be at least 1',
    ],
  },
  {
    name: 'the second of two documents',
    text: `${head}spec: {}\n---\n${head}spec:\n  active: "yes"\n`,
    faults: ['acme.yaml:12: spec.active: must be true or false, not a text'],
  },
  {
    name: 'broken YAML, where it breaks',
    text: `${head}spec:\n  sources: [\n`,
    faults: [
      'acme.yaml:7: is no valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
  },
  {
    name: 'a field that is given twice',
    text: `${head}spec: {}\nspec: {}\n`,
    faults: ['acme.yaml:6: is no valid YAML: Map keys must be unique'],
  },
  {
    name: 'a misspelt kind',
    text: 'apiVersion: fairlead.dev/v1alpha1\nkind: Organisation\nmetadata: { name: acme }\n',
    faults: ['acme.yaml:2: kind: "Organisation" is not known; did you mean Organization?'],
  },
  {
    name: 'a kind that only Kubernetes has',
    text: 'apiVersion: fairlead.dev/v1alpha1\nkind: Replay\nmetadata: { name: again }\n',
    faults: ['acme.yaml:2: kind: "Replay" is not read from files; there are Organization and Secret'],
  },
  {
    name: 'another version',
    text: 'apiVersion: fairlead.dev/v1\nkind: Organization\nmetadata: { name: acme }\nspec: {}\n',
    faults: ['acme.yaml:1: apiVersion: must be fairlead.dev/v1alpha1, not "fairlead.dev/v1"'],
  },
  {
    name: 'a list',
    text: '- acme\n',
    faults: ['acme.yaml:1: must be a resource: a map with apiVersion, kind and metadata'],
  },
  {
    name: 'a map without a kind',
    text: 'name: acme\n',
    faults: ['acme.yaml:1: kind: is missing: give Organization or Secret'],
  },
  {
    name: 'aliases that grow without end',
    text: `a: &a [x, x, x, x, x, x, x, x, x]\n${'bcdef'
      .split('')
      .map((letter, i) => `${letter}: &${letter} [${Array(9).fill(`*${'abcde'[i]}`).join(', ')}]`)
      .join('\n')}\n`,
    faults: ["acme.yaml:1: can't be read: Excessive alias count indicates a resource exhaustion attack"],
  },
])('names $name', ({ text, faults }) => {
  expect(parseFile('acme.yaml', text).faults.map(textOfFault)).toEqual(faults)
})

test('reads several documents, and passes over other kinds', () => {
  const text = `# empty at first\n---\n${head}spec: {}\n---\napiVersion: v1\nkind: Namespace\nmetadata: { name: tenants }\n---\napiVersion: v1\nkind: Secret\nmetadata: { name: acme-stripe }\ndata: { key: c2VjcmV0 }\n`
  const { organizations, secrets, faults } = parseFile('all.yaml', text)
  expect(faults).toEqual([])
  expect(organizations.map(({ value, line }) => [value.metadata.name, line])).toEqual([['acme', 3]])
  expect(secrets.map(({ value }) => value.metadata.name)).toEqual(['acme-stripe'])
})

test('takes JSON as it is', () => {
  const text = JSON.stringify({
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'Organization',
    metadata: { name: 'acme' },
    spec: {},
  })
  expect(parseFile('acme.json', text)).toMatchObject({ faults: [], organizations: [{ line: 1 }] })
})

test('survives a document that is nested ten thousand deep', () => {
  expect(parseFile('deep.yaml', '['.repeat(10_000)).faults.length).toBeGreaterThan(0)
})

test('a list as kubectl prints it is read, and items of other kinds are reported', () => {
  const item = (kind: string, name: string, rest = '') =>
    `- apiVersion: ${kind === 'Organization' ? 'fairlead.dev/v1alpha1' : 'v1'}\n  kind: ${kind}\n  metadata:\n    name: ${name}\n    uid: 1b2c\n    resourceVersion: "7"\n${rest}`
  const text = `apiVersion: v1\nkind: List\nitems:\n${item('Organization', 'acme', '  spec: {}\n')}${item('ConfigMap', 'other')}${item('Secret', 'acme', '  type: Opaque\n  data: { key: c2VjcmV0 }\n')}- kind: List\n  items:\n  - apiVersion: fairlead.dev/v1alpha1\n    kind: Organization\n    metadata: { name: globex }\n    spec: { plan: 7 }\n`
  const { organizations, secrets, faults, notTaken } = parseFile('all.yaml', text)
  expect(organizations.map(({ value, line }) => [value.metadata.name, line])).toEqual([['acme', 4]])
  expect(secrets.map(({ value }) => value.metadata.name)).toEqual(['acme'])
  expect(notTaken.map(textOfFault)).toEqual([
    'all.yaml:11: items[1]: is not taken: only Organization and Secret are read from files',
  ])
  expect(faults.map(textOfFault)).toEqual([
    expect.stringContaining('items[3].items[0].spec.plan: must be a text'),
  ])
})

test.each([
  ['no items', '', []],
  ['null', 'items:', []],
  ['an empty list', 'items: []', []],
  ['a map', 'items: { a: 1 }', ['all.yaml:3: items: must be a list of resources']],
  ['a text', 'items: acme.yaml', ['all.yaml:3: items: must be a list of resources']],
])('a List whose items are %s is not passed over without a word', (_name, items, expected) => {
  const { organizations, faults } = parseFile('all.yaml', `apiVersion: v1\nkind: List\n${items}\n`)
  expect([organizations, faults.map(textOfFault)]).toEqual([[], expected])
})

test('twenty thousand names in one map take time in proportion to their number', () => {
  const text = Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join('\n')
  const start = process.cpuUsage()
  expect(parseFile('many.yaml', text).faults).toHaveLength(1)
  const { user, system } = process.cpuUsage(start)
  // Some 200 ms on a usual machine. Comparing each name with each other would take more than a minute.
  expect((user + system) / 1000).toBeLessThan(10_000)
})
