import { expect, test } from 'vitest'
import { providerPages, writtenPages } from './provider-pages.ts'

test('docs/providers is what its rows say (node checks/provider-pages.ts --write makes it again)', () => {
  expect(Object.fromEntries(writtenPages())).toEqual(Object.fromEntries(providerPages()))
})
