import { join, relative } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { longestTests } from './testbed/longest-tests.ts'
import { quickTests } from './testbed/quick-tests.ts'

const quick = quickTests()
/**
 * Tests with servers that load the same schemas and services, which takes two seconds of a processor. Their files share a process:
 * neither they nor what they test keeps state in modules.
 */
const sharing = ['services/api/**/*.test.ts', 'services/store/**/*.test.ts']
const never = ['**/node_modules/**', '**/*.chaos.test.ts']
/** What a run shares, made when the first test asks. */
const globalSetup = './testbed/global-setup.ts'

/**
 * When a file begins, so that two workers are busy to the end. The loss proof is first: beside the cluster of two nodes its load
 * would wait in vain for webhooks to flow. Beside the loss proof run tests without servers. The cluster takes longest of all, and
 * its webhooks need a processor: beside it run the short ones, which do one thing at a time. The long ones come last, the longest
 * of them first.
 */
function placeOf(path: string): number {
  if (path === 'testbed/chaos/loss.test.ts') return 0
  if (quick.includes(path)) return 1
  if (path === 'testbed/cluster/end-to-end.test.ts') return 2
  return longestTests.includes(path) ? 4 + longestTests.indexOf(path) : 3
}

class ShortBesideTheCluster extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => placeOf(relative(import.meta.dirname, moduleId))
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b))
  }
}

export default defineConfig({
  test: {
    // Real servers start inside tests; two cores are shared between two files at a time.
    maxWorkers: 2,
    sequence: { sequencer: ShortBesideTheCluster },
    // For what hangs: a test that is slow because its machine is must not end here.
    testTimeout: 180_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 25_000 } },
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
          exclude: [...never, ...quick, ...sharing],
          globalSetup,
        },
      },
      {
        extends: true,
        test: { name: 'calls', include: sharing, exclude: [...never, ...quick], globalSetup, isolate: false },
      },
    ],
  },
})
