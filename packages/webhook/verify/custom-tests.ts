import type { SchemeConfig, Verdict, WebhookRequest } from '../scheme.ts'
import { isFields } from './fields.ts'
import { SchemeError } from './scheme-error.ts'

/** A test that a custom scheme carries. */
export interface SchemeTestResult {
  readonly name: string
  readonly passed: boolean
  readonly note?: string
}

type Fields = Readonly<Record<string, unknown>>
type Verify = (request: WebhookRequest, nowMs: number) => Verdict | Promise<Verdict>

/** The tests of a custom scheme; none where it has none, or isn't even an object. */
export function testsOf(scheme: unknown): readonly Fields[] {
  return isFields(scheme) && Array.isArray(scheme.tests) ? scheme.tests.filter(isFields) : []
}

/**
 * Runs a custom scheme's own tests.
 *
 * @param open opens the scheme with a test's secret and options; its SchemeErrors are that test's failures
 */
export function runCustomTests(scheme: unknown, open: (config: SchemeConfig) => Verify): SchemeTestResult[] {
  return testsOf(scheme).map((test, index) => {
    const name = typeof test.name === 'string' ? test.name : `test ${index + 1}`
    const note = runTest(test, scheme, open)
    return { name, passed: note === undefined, ...(note !== undefined && { note }) }
  })
}

/** The fault; undefined where the test passes. */
function runTest(test: Fields, scheme: unknown, open: (config: SchemeConfig) => Verify): string | undefined {
  try {
    const verify = open({
      provider: 'custom',
      secrets: typeof test.secret === 'string' ? [test.secret] : [],
      scheme,
      ...(isFields(test.options) && { options: test.options }),
    })
    const verdict = verify(requestOf(test), Number(test.now ?? 0) * 1000)
    return 'kind' in verdict
      ? difference(verdict, test)
      : 'its keys would have to be fetched: give them as options'
  } catch (error) {
    if (error instanceof SchemeError) return error.message
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
