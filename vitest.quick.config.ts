import { globSync } from 'node:fs'
import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'
import { needsServers } from './testbed/modules-of.ts'

/** Start processes or generators, or try thousands of inputs: seconds each, and no server. */
const slow = [
  'packages/webhook/fuzz/',
  'packages/webhook/sdk/',
  'packages/webhook/independent/',
  'packages/wire/generate.test.ts',
  'packages/client/client.test.ts',
  'packages/daemon/run.test.ts',
  'image/',
]

/** `npm run test:quick`: the tests that start no server, for the inner loop. `npm test` runs them all. */
export default defineConfig({
  test: {
    include: globSync('**/*.test.ts', { exclude: ['**/node_modules/**', '**/*.chaos.test.ts'] }).filter(
      file =>
        !slow.some(folder => file.startsWith(folder)) && !needsServers(resolve(import.meta.dirname, file)),
    ),
    maxWorkers: 2,
    // Files share a process: loading the schemas takes longer than most of these tests.
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default', './testbed/reporter.ts'],
  },
})
