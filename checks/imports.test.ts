import { expect, test } from 'vitest'
import { importCircles, importFaults, importsOf, type Workspace } from './imports.ts'

const workspace = (
  folder: string,
  dependencies: string[] = [],
  devDependencies: string[] = [],
): Workspace => {
  const name = (path: string) => `@fairlead/${path.split('/').at(-1)}`
  return {
    folder,
    name: name(folder),
    dependencies: dependencies.map(name),
    devDependencies: devDependencies.map(name),
  }
}

const workspaces = [
  workspace('packages/webhook'),
  workspace('packages/daemon'),
  workspace('packages/wire', ['webhook']),
  workspace('services/receiver', ['wire'], ['testbed', 'webhook']),
  workspace('services/worker'),
  workspace('servers'),
  workspace('standalone', ['receiver', 'worker']),
  workspace('testbed', ['servers']),
  workspace('load-tests', [], ['testbed']),
]

test.each<[string, string, string, string | undefined]>([
  ['a service uses wire', 'services/receiver/a.ts', '@fairlead/wire/subjects', undefined],
  [
    'a service uses another',
    'services/receiver/a.ts',
    '@fairlead/worker/run',
    'services/receiver may not depend on services/worker',
  ],
  [
    'wire uses a service',
    'packages/wire/a.ts',
    '@fairlead/receiver/run',
    'packages/wire may not depend on services/receiver',
  ],
  [
    'daemon knows webhooks',
    'packages/daemon/a.ts',
    '@fairlead/webhook/id',
    'packages/daemon may not depend on packages/webhook',
  ],
  ['standalone uses every part', 'standalone/a.ts', '@fairlead/worker/run', undefined],
  [
    'the testbed uses a load test',
    'testbed/a.ts',
    '@fairlead/load-tests/webhooks',
    'testbed may not depend on load-tests',
  ],
  ['a load test uses a development dependency', 'load-tests/a.ts', '@fairlead/testbed/nats', undefined],
  [
    'undeclared',
    'standalone/a.ts',
    '@fairlead/wire/subjects',
    "standalone/package.json doesn't declare @fairlead/wire",
  ],
  ['a test uses the testbed', 'services/receiver/a.test.ts', '@fairlead/testbed/nats', undefined],
  [
    'a service uses the testbed',
    'services/receiver/a.ts',
    '@fairlead/testbed/nats',
    'services/receiver may not depend on testbed',
  ],
  [
    'declared for tests only',
    'services/receiver/a.ts',
    '@fairlead/webhook/id',
    '@fairlead/webhook is declared for development only',
  ],
  ['a file beside it', 'services/receiver/folder/a.ts', '../b.ts', undefined],
  [
    'a path into another workspace',
    'services/receiver/a.ts',
    '../worker/b.ts',
    'it lies outside of services/receiver; import other workspaces by their name',
  ],
  ['its own name', 'packages/wire/a.ts', '@fairlead/wire/subjects', undefined],
  ['a package of npm', 'packages/wire/a.ts', 'zod', undefined],
])('%s', (_name, path, specifier, fault) => {
  const faults = importFaults(workspaces, [{ path, text: `import { x } from '${specifier}'` }])
  expect(faults).toEqual(fault ? [`${path} imports ${specifier}: ${fault}`] : [])
})

test('a workspace that the table does not know is a fault', () => {
  expect(importFaults([workspace('services/new')], [])).toEqual([
    'services/new is not in the table of checks/imports.ts',
  ])
})

test('a circle of imports is told once, across workspaces and with types', () => {
  const sources = [
    { path: 'services/receiver/a.ts', text: "import { b } from './folder/b.ts'" },
    { path: 'services/receiver/folder/b.ts', text: "import type { C } from '@fairlead/worker/c'" },
    { path: 'services/worker/c.ts', text: "import { a } from '@fairlead/receiver/a'" },
    { path: 'services/worker/d.ts', text: "import { c } from './c.ts'" },
  ]
  expect(importCircles(workspaces, sources)).toEqual([
    'services/receiver/a.ts → services/receiver/folder/b.ts → services/worker/c.ts → services/receiver/a.ts',
  ])
  expect(importCircles(workspaces, sources.slice(0, 2))).toEqual([])
})

test('imports are found in every form, and not in comments or texts', () => {
  const text = `
import 'one'
import two from 'two'
import {
  type Three,
  three,
} from "three"
import type { Four } from 'four'
export { five } from 'five'
export * from 'six'
// import nothing from 'comment'
/* import nothing from 'block' */
const later = await import('seven')
const text = "you import it from 'there'"
export const value = 'not a module'
`
  expect(importsOf(text).sort()).toEqual(['five', 'four', 'one', 'seven', 'six', 'three', 'two'])
})
