import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * The loss proof goes first: its load would otherwise share two cores with the cluster of two nodes, which comes last, and
 * then wait in vain for webhooks to flow.
 */
class LossProofFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => (moduleId.endsWith('/chaos/loss.test.ts') ? 0 : 1)
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/*.chaos.test.ts'],
    // Real servers start inside tests; two cores are shared between two files at a time.
    maxWorkers: 2,
    sequence: { sequencer: LossProofFirst },
    // One PostgreSQL for the whole run, started when the first test asks for a database.
    globalSetup: './testbed/global-setup.ts',
    testTimeout: 30_000,
    hookTimeout: 120_000,
    reporters: ['default', './testbed/reporter.ts', './testbed/tools.ts'],
  },
})
