import { join, relative } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { longestTests } from './testbed/longest-tests.ts'
import { quickTests } from './testbed/quick-tests.ts'

const quick = quickTests()

/**
 * What begins first, so that two workers are busy to the end. The loss proof is first: beside the cluster of two nodes its load
 * would wait in vain for webhooks to flow. Beside the loss proof run tests without servers. The cluster takes longest of all, and
 * beside it run tests that do one thing at a time. The longest of the rest go before the others; those have the order of their size.
 */
const order: readonly ((path: string) => boolean)[] = [
  path => path === 'testbed/chaos/loss.test.ts',
  path => quick.includes(path),
  path => path === 'testbed/cluster/end-to-end.test.ts',
  path => /^(cli|image)\//.test(path),
  path => longestTests.includes(path),
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const path = relative(import.meta.dirname, moduleId)
      const found = order.findIndex(isIn => isIn(path))
      return found < 0 ? order.length : found
    }
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  test: {
    // Real servers start inside tests; two cores are shared between two files at a time.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Commands and services that tests start: four fifths of the CPU of their start is compiling.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules', '.cache', 'node') },
    reporters: ['default', './testbed/reporter.ts', './testbed/tools.ts'],
    projects: [
      // Files share a process: to load the schemas takes longer than most of these tests.
      { extends: true, test: { name: 'quick', include: quick, isolate: false } },
      {
        extends: true,
        test: {
          name: 'servers',
          include: ['**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.chaos.test.ts', ...quick],
          // One PostgreSQL for the whole run, started when the first test asks for a database.
          globalSetup: './testbed/global-setup.ts',
        },
      },
    ],
  },
})
