import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { longestTests } from './longest-tests.ts'
import { modulesOf, withoutServers } from './modules-of.ts'

const of = (file: string) => modulesOf([resolve(import.meta.dirname, '..', file)])

test.each([
  ['operator/kubernetes/life-cycle.test.ts', 'testbed/kube/programs.ts', true],
  ['operator/queue.test.ts', 'testbed/kube/programs.ts', false],
  ['testbed/cluster/end-to-end.test.ts', 'testbed/cluster/cluster.ts', true],
  ['testbed/kube/chart.test.ts', 'testbed/cluster/cluster.ts', false],
  ['packages/webhook/publish.test.ts', 'packages/webhook/fixtures/runtimes.ts', true],
  ['standalone/start.test.ts', 'testbed/standalone.ts', true],
  ['services/store/rls.test.ts', 'servers/nats.ts', false],
])('does %s need what %s finds: %s', (file, module, expected) => {
  expect(of(file).has(module)).toBe(expected)
})

test('an import that stands in a text leads nowhere', () => {
  expect(of('checks/imports.test.ts').has('checks/imports.ts')).toBe(true)
})

test.each([
  ['operator/queue.test.ts', false],
  ['packages/webhook/open.test.ts', false],
  ['services/store/rls.test.ts', true],
  ['services/receiver/receiver.test.ts', true],
  ['standalone/start.test.ts', true],
])('does %s start servers: %s', (file, expected) => {
  expect(withoutServers([file])).toEqual(expected ? [] : [file])
})

test.each(longestTests)('%s begins early, and is there no more', file => {
  expect(existsSync(resolve(import.meta.dirname, '..', file))).toBe(true)
})
