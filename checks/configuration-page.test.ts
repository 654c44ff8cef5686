import { expect, test } from 'vitest'
import { configurationPage, writtenPage } from './configuration-page.ts'

test('docs/configuration.md is what the schemas say (node checks/configuration-page.ts --write makes it again)', () => {
  expect(writtenPage()).toBe(configurationPage())
})

test('every key says what it is', () => {
  const silent = configurationPage()
    .split('\n')
    .filter(line => /^\| `[A-Z_]+` \|/.test(line) && / \| {2}\|$/.test(line))
  expect(silent).toEqual([])
})
