import { defineConfig } from 'vitest/config'
import { quickTests } from './testbed/quick-tests.ts'

/** `npm run test:quick`: the tests that start no server, for the inner loop. `npm test` runs them all. */
export default defineConfig({
  test: {
    include: quickTests(),
    // Two cores: a third waits while the others compute.
    maxWorkers: 3,
    // Files share a process: loading the schemas takes longer than most of these tests.
    isolate: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 25_000 } },
    reporters: ['default', './testbed/reporter.ts'],
  },
})
