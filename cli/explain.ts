import { type Explanation, explain as explainRequest, type OtherSource } from '@fairlead/webhook/explain'
import { openKeyFetch } from '@fairlead/webhook/fetch-keys'
import type { SchemeConfig, WebhookRequest } from '@fairlead/webhook/scheme'
import { readArguments, usageFault } from './arguments.ts'
import { CommandError, exitCode } from './command-error.ts'
import { readDocument, readNow, readSource, secretVariable, sourceOptions } from './request-arguments.ts'
import { openTerminal, printable, type Terminal } from './terminal.ts'

const usage = `fairlead explain FILE [--provider NAME] [--secret-file FILE]…

Says why a request is refused, and what probably caused it: a clock, another source's secret, a body that something
altered (and how), a URL that differs, a header that is missing.

FILE is the request as YAML or JSON:

  method: POST                      # default
  url: https://hooks.example.com/…  # the public URL; some providers sign it
  headers: { Stripe-Signature: … }
  body: '{"id":…}'                  # or bodyBase64, for bytes that are no text
  receivedAt: 2026-05-02T09:00:00Z  # or now; default: the present
  source: { provider: stripe, secrets: [whsec_…], options: {} }   # or by options of this command
  others: [ { name: stripe-eu, provider: stripe, secrets: [whsec_…] } ]

A vector of a file for fairlead verify --vectors (provider, secret, now) is understood as well.

  -p, --provider NAME  --secret-file FILE  --secret S  --option NAME=VALUE  --scheme FILE  --tolerance SECONDS
                       the source, as for fairlead verify (secrets also from ${secretVariable})
  --now T              when it was received
  --json               as JSON

Exits with 0 if the request is valid, else 1. Secrets and right signatures are never printed.`

export async function explain(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(
    usage,
    args,
    { ...sourceOptions, now: { type: 'string' }, json: { type: 'boolean' } },
    { most: 1 },
  )
  const [path] = positionals
  if (path === undefined) throw usageFault(usage, 'Which request? Such as: fairlead explain request.yaml')
  const file = readDocument(path)
  if (!isFields(file)) throw new CommandError(`${path} holds no request: see fairlead explain --help`)
  const inFile = sourceOfFile(file)
  const config = values.provider === undefined && inFile ? inFile : readSource(usage, values, process.env)
  const others = Array.isArray(file.others) ? file.others.filter(isFields).map(otherSource) : []
  const at = values.now ?? text(file.receivedAt) ?? text(file.now)
  const explanation = await explainRequest(
    requestOf(file),
    config,
    others,
    readNow(usage, at),
    openKeyFetch(),
  )
  const terminal = openTerminal()
  if (values.json) terminal.print(JSON.stringify(explanation))
  else print(explanation, terminal)
  return explanation.verdict?.kind === 'valid' ? exitCode.ok : exitCode.failed
}

function print({ verdict, causes }: Explanation, terminal: Terminal): void {
  if (verdict?.kind === 'valid')
    terminal.print(`${terminal.paint('green', 'valid')}: there is nothing to explain`)
  else if (verdict)
    terminal.print(`${terminal.paint('red', verdict.reason)}  ${printable(verdict.detail ?? '')}`.trimEnd())
  for (const cause of causes) terminal.print(`- ${printable(cause.sentence)}`)
}

type Fields = Readonly<Record<string, unknown>>

function sourceOfFile(file: Fields): SchemeConfig | undefined {
  const source = isFields(file.source) ? file.source : file
  return typeof source.provider === 'string' ? configOf(source) : undefined
}

function otherSource(fields: Fields): OtherSource {
  return { name: String(fields.name ?? fields.provider), config: configOf(fields) }
}

function configOf(fields: Fields): SchemeConfig {
  const tolerance = fields.toleranceSeconds
  return {
    provider: String(fields.provider),
    secrets: [fields.secrets ?? fields.secret ?? []].flat().map(String),
    ...(isFields(fields.options) && { options: fields.options }),
    ...(fields.scheme !== undefined && { scheme: fields.scheme }),
    ...(typeof tolerance === 'number' && { toleranceSeconds: tolerance }),
  }
}

function requestOf(file: Fields): WebhookRequest {
  const headers = isFields(file.headers) ? file.headers : {}
  const base64 = text(file.bodyBase64)
  return {
    method: (text(file.method) ?? 'POST').toUpperCase(),
    url: text(file.url) ?? '',
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name.toLowerCase(),
        Array.isArray(value) ? value.map(String) : String(value),
      ]),
    ),
    body: base64 === undefined ? Buffer.from(text(file.body) ?? '') : Buffer.from(base64, 'base64'),
  }
}

function text(value: unknown): string | undefined {
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
