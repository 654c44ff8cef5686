import { checkSchemeTests } from '@fairlead/webhook/check-scheme'
import { SchemeError } from '@fairlead/webhook/verify/scheme-error'
import { readArguments, usageFault } from './arguments.ts'
import { CommandError, exitCode } from './command-error.ts'
import { readDocument } from './request-arguments.ts'
import { openTerminal, printable } from './terminal.ts'

const usage = `fairlead scheme test FILE

Checks a scheme of your own (the provider custom) and runs the tests that are part of it.

FILE is YAML or JSON:

  header: x-partner-signature          # or headers: [several], any may match
  algorithm: hmac-sha256               # hmac-sha1/256/384/512, sha1, sha256, ed25519, ecdsa-sha256, rsa-sha256, token, jwt-hs256 …
  encoding: hex                        # hex | hex-any-case | base64 | base64url
  content: ["{timestamp}", ".", "{body}"]   # also {id} {url} {method} {secret}
  timestamp: { header: x-partner-time, unit: s, past: 300, future: 300 }
  id: { header: x-partner-id }
  type: { member: event.type }
  tests:
    - name: a signed request
      expected: valid                  # or invalid, with a reason if you like
      secret: s3cret
      now: 1760000000
      headers: { x-partner-time: "1760000000", x-partner-signature: … }
      body: '{"id":1}'

Exits with 0 if all tests pass; a scheme without a valid and an invalid test fails too.`

export async function scheme(args: readonly string[]): Promise<number> {
  const { positionals } = readArguments(usage, args, {}, { most: 2 })
  const [verb, path] = positionals
  if (verb !== 'test' || path === undefined)
    throw usageFault(usage, 'Such as: fairlead scheme test scheme.yaml')
  const terminal = openTerminal()
  try {
    const file = readDocument(path)
    if (typeof file !== 'object' || file === null || Array.isArray(file)) {
      throw new CommandError(`${path} holds no scheme: see fairlead scheme --help`)
    }
    const results = checkSchemeTests(file)
    for (const { name, passed, note } of results) {
      const mark = passed ? terminal.paint('green', 'passed') : terminal.paint('red', 'failed')
      terminal.print(`${mark}  ${printable(name)}${note ? `: ${printable(note)}` : ''}`)
    }
    const failed = results.filter(({ passed }) => !passed).length
    terminal.print(`${results.length - failed} passed, ${failed} failed`)
    return failed === 0 ? exitCode.ok : exitCode.failed
  } catch (error) {
    if (!(error instanceof SchemeError)) throw error
    throw new CommandError(error.message, exitCode.failed, { cause: error })
  }
}
