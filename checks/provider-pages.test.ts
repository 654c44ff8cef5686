import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { allProviders } from '@fairlead/webhook/providers/table'
import { expect, test } from 'vitest'
import { providerPages, writtenPages } from './provider-pages.ts'

test('docs/providers is what its rows say (node checks/provider-pages.ts --write makes it again)', () => {
  expect(Object.fromEntries(writtenPages())).toEqual(Object.fromEntries(providerPages()))
})

const root = join(import.meta.dirname, '..')

test('the counts of providers and vectors in the READMEs are those of the table', () => {
  const providers = allProviders().filter(({ variantOf }) => variantOf === undefined).length
  const vectors = JSON.parse(
    readFileSync(join(root, 'packages/webhook/vectors/provider-vectors.json'), 'utf8'),
  ).length
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const ofPackage = readFileSync(join(root, 'packages/webhook/README.md'), 'utf8')
  expect(readme).toContain(`**${providers} providers** verified, with ${vectors} test vectors`)
  expect(ofPackage).toContain(`[${providers} providers]`)
  expect(ofPackage).toContain(`All ${vectors} vectors`)
  expect(ofPackage).toContain(`${vectors} requests`)
})
