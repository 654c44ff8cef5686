import { expect, test } from 'vitest'
import { consoleProviders, writtenConsoleProviders } from './console-providers.ts'

test('the console knows providers otherwise than their rows say (node checks/console-providers.ts --write)', () => {
  expect(writtenConsoleProviders()).toBe(consoleProviders())
})
