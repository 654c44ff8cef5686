import type { Reporter, TestModule } from 'vitest/node'

/**
 * Ends a run with one line, `N passed, N failed`. A file that could not be loaded, or an error outside of every
 * test, counts as a failure, and so does a skipped test under CI: nothing is skipped silently.
 */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    let passed = 0
    let failed = unhandled.length
    let skipped = 0
    for (const module of modules) {
      failed += module.errors().length
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') passed++
        else if (state === 'failed') failed++
        else skipped++
      }
    }
    if (process.env.CI && skipped > 0) {
      failed += skipped
      process.exitCode = 1
      console.log(`${skipped} tests were skipped, which counts as failed under CI`)
    }
    console.log(`${passed} passed, ${failed} failed`)
  }
}
