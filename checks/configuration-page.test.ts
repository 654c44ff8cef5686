import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { configurationPage, keysOf, writtenPage } from './configuration-page.ts'

test('docs/configuration.md is what the schemas say (node checks/configuration-page.ts --write makes it again)', () => {
  expect(writtenPage()).toBe(configurationPage())
})

test('every key says what it is', () => {
  const silent = configurationPage()
    .split('\n')
    .filter(line => /^\| `[A-Z_]+` \|/.test(line) && / \| {2}\|$/.test(line))
  expect(silent).toEqual([])
})

test('a variable that compose.yaml or the command line reads is on the page', () => {
  const root = join(import.meta.dirname, '..')
  const textOf = (file: string) => readFileSync(join(root, file), 'utf8')
  const found = (text: string, pattern: RegExp) =>
    [...new Set([...text.matchAll(pattern)].map(([, key]) => key))].sort()

  expect(found(textOf('compose.yaml'), /\$\{(FAIRLEAD_[A-Z_]+)/g)).toEqual(keysOf('compose.yaml'))

  const sources = globSync('cli/**/*.ts', { cwd: root }).filter(file => !/\.test\.ts$|fixtures/.test(file))
  const cli = found(sources.map(textOf).join('\n'), /(?:\benv\.|')(FAIRLEAD_[A-Z_]+)\b/g)
  expect([...keysOf('fairlead (the command line)')].sort()).toEqual(cli)
})
