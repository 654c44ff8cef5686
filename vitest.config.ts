import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/*.chaos.test.ts'],
    // Real servers start inside tests; two cores are shared between two files at a time.
    maxWorkers: 2,
    // One PostgreSQL for the whole run, started when the first test asks for a database.
    globalSetup: './testbed/global-setup.ts',
    testTimeout: 30_000,
    hookTimeout: 120_000,
    reporters: ['default', './testbed/reporter.ts', './testbed/tools.ts'],
  },
})
