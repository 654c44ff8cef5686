import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './content.ts'
import { openIgnore } from './ignore.ts'

const rules = `
# Nothing, but for:
*
!package.json
!services
**/*.test.ts
**/node_modules
services/store/fixture
`

test.each<[string, string, boolean]>([
  ['what nothing names', 'README.md', true],
  ['a file that is let in', 'package.json', false],
  ['a folder that is let in', 'services', false],
  ['what is below it', 'services/store/main.ts', false],
  ['a test at any depth', 'services/store/project/fold.test.ts', true],
  ['what only looks like a test', 'services/store/latest.ts', false],
  ['what is in a folder of that name', 'services/store/node_modules/pg/index.js', true],
  ['a folder by its path', 'services/store/fixture/a.ts', true],
  ['a longer name', 'services/store/fixtures.ts', false],
  ['the same name elsewhere', 'cli/package.json', true],
])('%s: %s', (_, path, expected) => {
  expect(openIgnore(rules)(path)).toBe(expected)
})

test("what image/ignore.ts doesn't know is refused", () => {
  expect(() => openIgnore('[a-z].ts')).toThrow("doesn't know [a-z].ts")
})

test.each<[string, boolean]>([
  ['.env', true],
  ['.git/config', true],
  ['.fairlead/admin-key', true],
  ['charts/fairlead/values.yaml', true],
  ['services/store/store.test.ts', true],
  ['services/receiver/fixtures/a-source.ts', true],
  ['packages/webhook/vectors/provider-vectors.json', true],
  ['package-lock.json', false],
  ['services/store/migrations/0001-scope.sql', false],
  ['packages/wire/gen/fairlead/store/v1/event_pb.js', false],
])('our own .dockerignore leaves %s out: %s', (path, expected) => {
  const text = readFileSync(join(root, '.dockerignore'), 'utf8')
  expect(openIgnore(text)(path)).toBe(expected)
})
