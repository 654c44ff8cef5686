import { checkVectors } from '@fairlead/webhook/check-vectors'
import { openKeyFetch } from '@fairlead/webhook/fetch-keys'
import { openScheme } from '@fairlead/webhook/open'
import type { Identity, Scheme, SchemeConfig, Verdict, WebhookRequest } from '@fairlead/webhook/scheme'
import { SchemeError } from '@fairlead/webhook/verify/scheme-error'
import { readArguments, usageFault } from './arguments.ts'
import { CommandError, exitCode } from './command-error.ts'
import {
  readBytes,
  readDocument,
  readHeaders,
  readNow,
  readSource,
  secretVariable,
  sourceOptions,
} from './request-arguments.ts'
import { openTerminal, printable, type Terminal } from './terminal.ts'

const usage = `fairlead verify --provider NAME [--secret S]… [-H 'name: value']… < body
       fairlead verify --vectors FILE

Checks the signature of one request whose body comes on standard input, or every request of a file of vectors.
Nothing is sent anywhere, unless the provider's keys have to be fetched (PayPal, SNS, Google, Plaid).

  -p, --provider NAME   one of fairlead providers, or custom
  --secret-file FILE    a secret, as copied from the provider; may be repeated: any may match
  --secret S            the same on the command line, where others on this machine can see it and the shell keeps it
                        (without either: the environment's ${secretVariable})
  -H, --header LINE     a header of the request
  --method M            default POST
  --url U               the public URL the provider posted to; some providers sign it
  --now T               the clock to use: Unix seconds or an ISO time; default now
  --tolerance SECONDS   instead of the provider's own; 0 switches the check of the time off
  --option NAME=VALUE   what a source of this provider is configured with beside the secret; @FILE reads a file
  --scheme FILE         with --provider custom: the scheme as YAML or JSON
  --body FILE           instead of standard input
  --vectors FILE        a JSON file of vectors or handshakes
  --json                the answer as JSON

Exits with 0 for a valid signature, 1 for any other, and prints the reason.`

export async function verify(args: readonly string[]): Promise<number> {
  const { values } = readArguments(usage, args, {
    ...sourceOptions,
    header: { type: 'string', short: 'H', multiple: true },
    method: { type: 'string' },
    url: { type: 'string' },
    now: { type: 'string' },
    body: { type: 'string' },
    vectors: { type: 'string' },
    json: { type: 'boolean' },
  })
  const terminal = openTerminal()
  if (values.vectors !== undefined) return verifyVectors(values.vectors, values.json === true, terminal)
  const config = readSource(usage, values, process.env)
  const scheme = open(config)
  if (process.stdin.isTTY && values.body === undefined) {
    throw usageFault(usage, 'The body is read from standard input: fairlead verify … < body')
  }
  const request: WebhookRequest = {
    method: (values.method ?? 'POST').toUpperCase(),
    url: values.url ?? '',
    headers: readHeaders(usage, values.header ?? []),
    body: readBytes(values.body ?? '-'),
  }
  const verdict = await scheme.verify(request, readNow(usage, values.now))
  const identity = verdict.kind === 'valid' ? scheme.identify(request) : undefined
  terminal.print(
    values.json
      ? JSON.stringify({ ...verdict, ...identity })
      : verdictLine(verdict, identity, config, terminal),
  )
  return verdict.kind === 'valid' ? exitCode.ok : exitCode.failed
}

function open(config: SchemeConfig): Scheme {
  try {
    return openScheme(config, openKeyFetch())
  } catch (error) {
    if (!(error instanceof SchemeError)) throw error
    const hint =
      error.code === 'secret_missing' ? ` Give it with --secret-file, or in ${secretVariable}.` : ''
    throw new CommandError(`${error.message}${hint}`, exitCode.usage, { cause: error })
  }
}

function verdictLine(
  verdict: Verdict,
  identity: Identity | undefined,
  config: SchemeConfig,
  terminal: Terminal,
): string {
  if (verdict.kind === 'invalid') {
    const detail = verdict.detail ? `: ${printable(verdict.detail)}` : ''
    return `${terminal.paint('red', 'invalid')}  ${verdict.reason}${detail}`
  }
  const several = config.secrets.length > 1 && verdict.secret !== undefined
  return [
    terminal.paint('green', 'valid'),
    several ? `secret ${verdict.secret! + 1} of ${config.secrets.length}` : '',
    identity?.eventType
      ? `type ${(identity.eventTypes ?? [identity.eventType]).map(type => printable(type)).join(', ')}`
      : '',
    identity?.deliveryId ? `id ${printable(identity.deliveryId)}` : '',
    verdict.url && verdict.url !== '' ? `url ${printable(verdict.url)}` : '',
  ]
    .filter(Boolean)
    .join('  ')
}

async function verifyVectors(path: string, json: boolean, terminal: Terminal): Promise<number> {
  const file = readDocument(path)
  const results = holdsNothing(file) ? [] : await checkVectors(file)
  if (results.length === 0) {
    throw new CommandError(`${path} holds no vectors: a JSON list of objects with a provider and a request`)
  }
  const failed = results.filter(({ passed }) => !passed)
  if (json)
    terminal.print(JSON.stringify({ passed: results.length - failed.length, failed: failed.length, results }))
  else {
    for (const { id, provider, note } of failed) {
      terminal.print(`${terminal.paint('red', 'failed')}  ${printable(`${provider} ${id}: ${note ?? ''}`)}`)
    }
    for (const { id, provider, passed, note } of results) {
      if (passed && note) terminal.note(printable(`note    ${provider} ${id}: ${note}`))
    }
    terminal.print(`${results.length - failed.length} passed, ${failed.length} failed`)
  }
  return failed.length === 0 ? exitCode.ok : exitCode.failed
}

/** Whether this is neither a vector nor a list, nor holds one. */
function holdsNothing(file: unknown): boolean {
  if (typeof file !== 'object' || file === null) return true
  return !Array.isArray(file) && !('provider' in file) && !Object.values(file).some(Array.isArray)
}
