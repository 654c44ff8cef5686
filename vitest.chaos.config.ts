import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { thoroughTests } from './testbed/thorough.ts'

/** `npm run test:chaos`: minutes of random faults, and all cases of which `npm test` tries a part. In turn, because each run wants the whole machine. */
export default defineConfig({
  test: {
    include: ['**/*.chaos.test.ts', ...thoroughTests],
    exclude: ['**/node_modules/**'],
    maxWorkers: 1,
    fileParallelism: false,
    globalSetup: './testbed/global-setup.ts',
    env: {
      NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules', '.cache', 'node'),
      FAIRLEAD_TEST_CASES: 'all',
    },
    testTimeout: 1_800_000,
    hookTimeout: 240_000,
    reporters: ['default', './testbed/reporter.ts', './testbed/tools.ts'],
  },
})
