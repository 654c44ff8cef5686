import { openScheme } from './open.ts'
import { runCustomTests, type SchemeTestResult, testsOf } from './verify/custom-tests.ts'
import { SchemeError } from './verify/scheme-error.ts'

/**
 * Checks a custom scheme and runs its `tests`, of which there must be at least one request that it accepts and one
 * that it refuses: a scheme that accepts everything passes any other test.
 *
 * @throws SchemeError where the scheme itself can't be read, or lacks such tests
 */
export function checkSchemeTests(scheme: unknown): SchemeTestResult[] {
  const untested = withoutTests(scheme)
  checkScheme(untested)
  for (const expected of ['valid', 'invalid']) {
    if (testsOf(scheme).some(test => test.expected === expected)) continue
    throw new SchemeError(
      'scheme_invalid',
      'custom',
      `The custom scheme's tests need at least one request with expected: ${expected}.`,
    )
  }
  return runCustomTests(scheme, config => openScheme({ ...config, scheme: untested }).verify)
}

/** `openScheme` runs the tests too and stops at the first failure; this function reports every test. */
function withoutTests(scheme: unknown): unknown {
  return typeof scheme === 'object' && scheme !== null ? { ...scheme, tests: [] } : scheme
}

/** Finds the faults of the scheme itself. A fault in a test's secret is reported as that test's failure. */
function checkScheme(scheme: unknown): void {
  try {
    openScheme({ provider: 'custom', secrets: [], scheme })
  } catch (error) {
    const isAboutSecret = error instanceof SchemeError && error.code.startsWith('secret_')
    if (!isAboutSecret) throw error
  }
}
