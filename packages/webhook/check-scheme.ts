import { openScheme } from './open.ts'
import type { Verdict, WebhookRequest } from './scheme.ts'
import { SchemeError } from './verify/scheme-error.ts'

/** One of the tests that a custom scheme carries. */
export interface SchemeTestResult {
  readonly name: string
  readonly passed: boolean
  readonly note?: string
}

type Fields = Readonly<Record<string, unknown>>

/**
 * Runs the `tests` of a custom scheme, which must hold before it takes effect: at least one request that it accepts
 * and one that it refuses, because a scheme that accepts everything passes any other test.
 *
 * @throws SchemeError where the scheme itself can't be read, or has no tests
 */
export async function checkSchemeTests(scheme: unknown): Promise<SchemeTestResult[]> {
  const tests = isFields(scheme) && Array.isArray(scheme.tests) ? scheme.tests.filter(isFields) : []
  checkScheme(scheme)
  for (const expected of ['valid', 'invalid']) {
    if (tests.some(test => test.expected === expected)) continue
    throw new SchemeError(
      'scheme_invalid',
      'custom',
      `The custom scheme's tests need at least one request with expected: ${expected}.`,
    )
  }
  const results: SchemeTestResult[] = []
  for (const [index, test] of tests.entries()) results.push(await runTest(test, index, scheme))
  return results
}

/** Finds the scheme's own faults; those of a test's secret are that test's. */
function checkScheme(scheme: unknown): void {
  try {
    openScheme({ provider: 'custom', secrets: [], scheme })
  } catch (error) {
    const isAboutSecret = error instanceof SchemeError && error.code.startsWith('secret_')
    if (!isAboutSecret) throw error
  }
}

async function runTest(test: Fields, index: number, scheme: unknown): Promise<SchemeTestResult> {
  const name = typeof test.name === 'string' ? test.name : `test ${index + 1}`
  try {
    const opened = openScheme({
      provider: 'custom',
      secrets: [secretOf(test)],
      scheme,
      ...(isFields(test.options) && { options: test.options }),
    })
    const verdict = await opened.verify(requestOf(test), Number(test.now ?? 0) * 1000)
    const note = difference(verdict, test)
    return { name, passed: note === undefined, ...(note !== undefined && { note }) }
  } catch (error) {
    if (error instanceof SchemeError) return { name, passed: false, note: error.message }
    throw error
  }
}

function difference(verdict: Verdict, test: Fields): string | undefined {
  const found = verdict.kind === 'valid' ? 'valid' : verdict.reason
  if (verdict.kind !== test.expected) return `expected ${test.expected}, found ${found}`
  const isOtherReason =
    verdict.kind === 'invalid' && test.reason !== undefined && test.reason !== verdict.reason
  return isOtherReason ? `expected ${test.reason}, found ${found}` : undefined
}

function secretOf(test: Fields): string {
  return typeof test.secret === 'string' ? test.secret : 'no secret given'
}

function requestOf(test: Fields): WebhookRequest {
  const headers = isFields(test.headers) ? test.headers : {}
  return {
    method: typeof test.method === 'string' ? test.method.toUpperCase() : 'POST',
    url: typeof test.url === 'string' ? test.url : '',
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
    ),
    body: Buffer.from(typeof test.body === 'string' ? test.body : ''),
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
