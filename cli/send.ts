import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http, { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import https from 'node:https'
import { relative } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { nearestProvider } from '@fairlead/webhook/providers/table'
import { sampleRequest } from '@fairlead/webhook/sample-request'
import type { WebhookRequest } from '@fairlead/webhook/scheme'
import { readArguments, readNumber, usageFault } from './arguments.ts'
import { CommandError, exitCode } from './command-error.ts'
import { type DeclaredSource, declaredSources, organizationsFolder } from './declared-source.ts'
import { isLocal, noAnswer } from './no-answer.ts'
import { openTerminal, printable, type Terminal } from './terminal.ts'

const usage = `fairlead send PROVIDER [--url URL] [--secret-file FILE] [--count N]

Signs a realistic webhook as the provider would and posts it. On a machine
where npm start runs, PROVIDER is enough: address and secret are those of the
Organizations in $FAIRLEAD_ORGANIZATIONS (default: k8s/samples).

  --url URL              the source's address; default
                         http://localhost:8080/webhooks/ORGANIZATION/SOURCE
  -o, --organization S   the organization's slug, where several have a source
                         of this provider
  --secret-file FILE     what to sign with
  --secret S             the same; others on this machine can see it
  --body FILE            send these bytes instead of the provider's sample
  -n, --count N          how many, 1 to 100000; default 1
  --rate R               how many a second, 1 to 2000; default 50
  --same                 the same request each time, as a provider that repeats
                         itself: one event, then duplicates
  --json                 one JSON line for each answer`

const maxCount = 100_000
const maxRate = 2_000
/** Requests on their way at one time: a slow receiver slows the sender down, and nothing piles up here. */
const maxOpen = 64
const timeoutMs = 30_000
/** More answers than these are summed up, not listed. */
const maxLines = 20

interface Target {
  readonly url: URL
  readonly secret: string | undefined
  readonly options: Readonly<Record<string, unknown>> | undefined
  readonly scheme: unknown
}

/** The result of one request. */
interface Answer {
  readonly status: number
  readonly id?: string
  readonly duplicate?: boolean
  /** Of a refusal. */
  readonly code?: string
  readonly detail?: string
  readonly durationMs: number
}

/** Where requests go unless they are told where, and what is known to sign them with. */
export interface Senders {
  readonly origin: string
  /** Where the sources are declared, for a person. */
  readonly place: string
  readonly sources: () => readonly DeclaredSource[]
}

/** This machine's, as `npm start` has them. */
function localSenders(env: NodeJS.ProcessEnv): Senders {
  const folder = organizationsFolder(env)
  return {
    origin: `http://localhost:${env.FAIRLEAD_RECEIVER_PORT ?? 8080}`,
    place: relative('.', folder),
    sources: () => declaredSources(folder),
  }
}

export async function send(
  args: readonly string[],
  senders: Senders = localSenders(process.env),
): Promise<number> {
  const { values, positionals } = readArguments(
    usage,
    args,
    {
      url: { type: 'string' },
      organization: { type: 'string', short: 'o' },
      secret: { type: 'string' },
      'secret-file': { type: 'string' },
      body: { type: 'string' },
      count: { type: 'string', short: 'n' },
      rate: { type: 'string' },
      same: { type: 'boolean' },
      json: { type: 'boolean' },
    },
    { most: 1 },
  )
  const [provider] = positionals
  if (!provider) throw usageFault(usage, 'Which provider? Such as: fairlead send stripe')
  const count = readNumber(usage, 'count', values.count, { least: 1, most: maxCount, otherwise: 1 })
  const rate = readNumber(usage, 'rate', values.rate, { least: 1, most: maxRate, otherwise: 50 })
  const target = findTarget(provider, values, senders)
  const body = values.body === undefined ? undefined : readBytes(values.body)
  const make = () => signSample(provider, target, body)
  const first = make()
  const terminal = openTerminal()
  const each = values.json || count <= maxLines
  const startedAt = performance.now()
  const answers: Answer[] = []
  await sendAll(
    target.url,
    count,
    rate,
    index => (index === 0 || values.same ? first : make()),
    answer => {
      answers.push(answer)
      if (each) terminal.print(values.json ? JSON.stringify(answer) : answerLine(answer, terminal))
    },
  )
  if (count > 1 && !values.json) terminal.print(summaryLine(answers, performance.now() - startedAt))
  const refused = answers.find(({ status }) => status >= 300)
  if (!each && refused) terminal.note(`the first refusal: ${answerLine(refused, terminal)}`)
  if (refused) explainRefusal(refused, target, terminal)
  return refused ? exitCode.failed : exitCode.ok
}

interface TargetValues {
  readonly url?: string | undefined
  readonly organization?: string | undefined
  readonly secret?: string | undefined
  readonly 'secret-file'?: string | undefined
}

/** Where to, and with which secret: as told, else as the Organizations say. */
function findTarget(provider: string, values: TargetValues, senders: Senders): Target {
  if (values.secret !== undefined && values['secret-file'] !== undefined) {
    throw usageFault(usage, '--secret and --secret-file are two ways to say one thing: give one of them')
  }
  const told = values['secret-file'] === undefined ? values.secret : readSecret(values['secret-file'])
  const url = values.url === undefined ? undefined : parseUrl(values.url)
  // Secrets of this machine's files sign only what goes to this machine.
  const known = url && !isLocal(url) ? [] : senders.sources()
  const source = url ? sourceOfUrl(url, known) : sourceOfProvider(provider, values.organization, known)
  const secret = told ?? source?.secret
  if (url) return { url, secret, options: source?.options, scheme: source?.scheme }
  if (!source) throw noSource(provider, values.organization, known, senders)
  return {
    url: new URL(`/webhooks/${source.organization}/${source.name}`, senders.origin),
    secret,
    options: source.options,
    scheme: source.scheme,
  }
}

function parseUrl(text: string): URL {
  const url = URL.parse(text)
  if (url && /^https?:$/.test(url.protocol)) return url
  throw usageFault(usage, `${text} is no URL`)
}

function sourceOfUrl(url: URL, known: readonly DeclaredSource[]): DeclaredSource | undefined {
  return known.find(({ organization, name }) => url.pathname === `/webhooks/${organization}/${name}`)
}

function sourceOfProvider(
  provider: string,
  organization: string | undefined,
  known: readonly DeclaredSource[],
): DeclaredSource | undefined {
  const own = known.filter(source => organization === undefined || source.organization === organization)
  return own.find(source => source.provider === provider) ?? own.find(source => source.name === provider)
}

function noSource(
  provider: string,
  organization: string | undefined,
  known: readonly DeclaredSource[],
  { place }: Senders,
): CommandError {
  const whose = organization ? ` of ${organization}` : ''
  const providers = [...new Set(known.map(source => source.provider))].join(', ') || 'none'
  const near = nearestProvider(provider)
  const meant = near && near !== provider ? ` Did you mean ${near}?` : ''
  return new CommandError(
    `No source${whose} in ${place} is of the provider ${provider}.${meant}\n` +
      `There are: ${providers}. For others declare a source, or give --url and --secret-file`,
  )
}

function signSample(provider: string, target: Target, body: Uint8Array | undefined): WebhookRequest {
  try {
    return sampleRequest(provider, {
      url: target.url.href,
      nowMs: Date.now(),
      random: Math.random,
      ...(target.secret !== undefined && { secret: target.secret }),
      ...(target.options && { options: target.options }),
      ...(target.scheme !== undefined && { scheme: target.scheme }),
      ...(body && { body }),
    })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (typeof code !== 'string') throw error
    const hint = code === 'secret_missing' ? ' Give it with --secret-file.' : ''
    throw new CommandError(`${(error as Error).message}${hint}`, exitCode.failed, { cause: error })
  }
}

/** Sends at the rate, and no faster than answers come. Stops at the first request without an answer. */
async function sendAll(
  url: URL,
  count: number,
  rate: number,
  request: (index: number) => WebhookRequest,
  answered: (answer: Answer) => void,
): Promise<void> {
  const startedAt = performance.now()
  let next = 0
  const lane = async () => {
    while (next < count) {
      const index = next++
      const dueInMs = startedAt + (index * 1000) / rate - performance.now()
      if (dueInMs > 0) await wait(dueInMs)
      answered(await post(url, request(index)))
    }
  }
  await Promise.all(Array.from({ length: Math.min(maxOpen, count) }, lane))
}

/** By node:http, which adds no header of its own but those that HTTP needs: the log shows what a provider would send. */
async function post(url: URL, sample: WebhookRequest): Promise<Answer> {
  const startedAt = performance.now()
  const target = new URL(sample.url, url)
  const { request } = target.protocol === 'https:' ? https : http
  const body = Buffer.from(sample.body)
  try {
    const asked = request(target, {
      method: sample.method,
      headers: { ...sample.headers, 'content-length': body.length } as OutgoingHttpHeaders,
      signal: AbortSignal.timeout(timeoutMs),
    })
    asked.end(body)
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    const told = readAnswer(await text(response))
    return {
      status: response.statusCode ?? 0,
      ...told,
      durationMs: Math.round(performance.now() - startedAt),
    }
  } catch (error) {
    throw noAnswer(url, error)
  }
}

/** The receiver's own JSON; a provider that demands another answer gets that, and here nothing is known then. */
function readAnswer(body: string): Pick<Answer, 'id' | 'duplicate' | 'code' | 'detail'> {
  try {
    const { id, duplicate, code, detail, title } = JSON.parse(body)
    return {
      ...(typeof id === 'string' && { id }),
      ...(typeof duplicate === 'boolean' && { duplicate }),
      ...(typeof code === 'string' && { code }),
      ...(typeof (detail ?? title) === 'string' && { detail: detail ?? title }),
    }
  } catch {
    return {}
  }
}

function answerLine(answer: Answer, terminal: Terminal): string {
  const { status, id, duplicate, code, detail, durationMs } = answer
  const ok = status < 300
  return [
    terminal.paint(ok ? 'green' : 'red', String(status)),
    printable((ok ? id : code) ?? (ok ? 'accepted' : 'refused')),
    ok
      ? duplicate
        ? terminal.paint('yellow', 'duplicate: it was accepted before')
        : ''
      : printable(detail ?? ''),
    terminal.paint('dim', `${durationMs} ms`),
  ]
    .filter(Boolean)
    .join('  ')
}

function summaryLine(answers: readonly Answer[], elapsedMs: number): string {
  const accepted = answers.filter(({ status }) => status < 300)
  const duplicates = accepted.filter(({ duplicate }) => duplicate).length
  const times = answers.map(({ durationMs }) => durationMs).sort((a, b) => a - b)
  const quantile = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))]
  const seconds = elapsedMs / 1000
  return (
    `${answers.length} sent in ${seconds.toFixed(1)} s: ${accepted.length - duplicates} accepted, ` +
    `${duplicates} ${duplicates === 1 ? 'duplicate' : 'duplicates'}, ${answers.length - accepted.length} refused; ` +
    `answered in ${quantile(0.5)} ms (median), ${quantile(0.99)} ms (99 %)`
  )
}

function explainRefusal(refused: Answer, target: Target, terminal: Terminal): void {
  if (refused.code === 'unknown_source') terminal.note(`There is no source at ${target.url.pathname}.`)
  if (refused.code?.startsWith('signature')) {
    terminal.note('Is this the secret that the source is configured with? fairlead rejections says more.')
  }
}

function readSecret(path: string): string {
  return readBytes(path)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new CommandError(`${path} can't be read: ${(error as NodeJS.ErrnoException).code}`)
  }
}
