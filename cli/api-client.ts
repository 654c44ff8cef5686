import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { listOrganizations, type Problem } from '@fairlead/client/gen/client'
import { TransportError, type TransportOptions } from '@fairlead/client/transport'
import { CommandError } from './command-error.ts'
import { freshToken, isSignedIn } from './credentials.ts'
import { isLocal, noAnswer } from './no-answer.ts'
import { printable } from './terminal.ts'

/** Options of every command that asks the API. */
export const apiOptions = {
  url: { type: 'string' },
  'key-file': { type: 'string' },
  organization: { type: 'string', short: 'o' },
} as const

export const apiUsage = `  --url URL              the API; default $FAIRLEAD_API_URL, else
                         http://localhost:8081
  --key-file FILE        a file with an API key; default $FAIRLEAD_API_KEY,
                         $FAIRLEAD_API_KEY_FILE, else fairlead login, else the
                         one that npm start wrote (.fairlead/admin-key), for a
                         local API only
  -o, --organization S   the organization's slug; default
                         $FAIRLEAD_ORGANIZATION, else the only one there is`

export interface ApiValues {
  readonly url?: string | undefined
  readonly 'key-file'?: string | undefined
  readonly organization?: string | undefined
}

/** The API as one caller sees it. */
export interface ApiClient {
  /**
   * The answer of one operation of the generated client. Throws a CommandError for everything but 2xx.
   *
   * @example await api.ask(options => listEvents('acme', { limit: 20 }, options))
   */
  ask<Answer extends Answered>(call: (options: TransportOptions) => Promise<Answer>): Promise<DataOf<Answer>>
  /** A stream that lasts; `position` is where it goes on. Throws a CommandError, with a `cause` where no answer came. */
  stream(path: string, position?: string): Promise<AsyncIterable<Uint8Array>>
  /** The slug of the organization that was asked for. */
  organization(): Promise<string>
}

/** What the generated client resolves with. */
interface Answered {
  readonly status: number
  readonly data: unknown
}

/** What an operation answers when all is well. */
type DataOf<Answer extends Answered> = Answer extends { readonly status: 204 }
  ? undefined
  : Answer extends { readonly status: 200 | 201 | 202 }
    ? Answer['data']
    : never

/** How long one answer may take, ms. */
const timeoutMs = 30_000

/** Finds URL, key and organization: options first, then the environment, then what `npm start` leaves. */
export function openApi(values: ApiValues, env: NodeJS.ProcessEnv = process.env): ApiClient {
  const base = apiUrl(values.url ?? env.FAIRLEAD_API_URL, env)
  const key = findKey(values['key-file'], base, env)
  const ask = async <Answer extends Answered>(call: (options: TransportOptions) => Promise<Answer>) =>
    dataOf(base, await key(), call)
  return {
    ask,
    stream: async (path, position) => openStream(base, await key(), path, position),
    organization: async () =>
      values.organization ?? env.FAIRLEAD_ORGANIZATION ?? (await onlyOrganization(ask)),
  }
}

async function onlyOrganization(ask: ApiClient['ask']): Promise<string> {
  const { items } = await ask(options => listOrganizations({ limit: 20 }, options))
  const [first, ...others] = items
  if (!first) throw new CommandError('There is no organization yet: declare one (k8s/samples shows how).')
  if (others.length === 0) return first.slug
  const slugs = items.map(({ slug }) => slug).join(', ')
  throw new CommandError(`Say which organization: --organization, one of ${slugs}`)
}

/** The API's address, or a CommandError. */
export function apiUrl(given: string | undefined, env: NodeJS.ProcessEnv): URL {
  const text = given ?? `http://localhost:${env.FAIRLEAD_API_PORT ?? 8081}`
  const url = URL.parse(text)
  if (url && /^https?:$/.test(url.protocol)) return url
  throw new CommandError(`${text} is no URL: give one such as http://localhost:8081`)
}

interface Key {
  readonly text: string
  /** Where it came from, for the sentence about a key that isn't accepted. */
  readonly origin: string
}

/** In this order: the API key that was given, the person signed in on this machine, the platform key of this machine. */
function findKey(file: string | undefined, base: URL, env: NodeJS.ProcessEnv): () => Promise<Key> {
  if (!file && !env.FAIRLEAD_API_KEY && !env.FAIRLEAD_API_KEY_FILE && isSignedIn(base, env)) {
    return async () => ({ text: await freshToken(base, env), origin: 'fairlead login' })
  }
  const key = findApiKey(file, base, env)
  return async () => key
}

function findApiKey(file: string | undefined, base: URL, env: NodeJS.ProcessEnv): Key {
  if (file) return readKey(file)
  if (env.FAIRLEAD_API_KEY) return { text: env.FAIRLEAD_API_KEY.trim(), origin: '$FAIRLEAD_API_KEY' }
  if (env.FAIRLEAD_API_KEY_FILE) return readKey(env.FAIRLEAD_API_KEY_FILE)
  if (!isLocal(base))
    throw new CommandError(
      `${base.host} needs an API key: --key-file FILE, or FAIRLEAD_API_KEY; or sign in: fairlead login`,
    )
  for (const path of homes(env).map(home => join(home, 'admin-key'))) {
    try {
      return { text: readFileSync(path, 'utf8').trim(), origin: path }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(path, error)
    }
  }
  throw new CommandError(
    'No API key was found. On this machine npm start writes one to .fairlead/admin-key (FAIRLEAD_HOME says\n' +
      'where else to look); for another server give --key-file FILE, or set FAIRLEAD_API_KEY',
  )
}

/** Where standalone keeps its state: as the environment says; else below this folder, or below the repository. */
function homes(env: NodeJS.ProcessEnv): string[] {
  if (env.FAIRLEAD_HOME) return [env.FAIRLEAD_HOME]
  return ['.fairlead', fileURLToPath(new URL('../.fairlead', import.meta.url))]
}

function readKey(path: string): Key {
  try {
    return { text: readFileSync(path, 'utf8').trim(), origin: path }
  } catch (error) {
    throw unreadable(path, error)
  }
}

function unreadable(path: string, error: unknown): CommandError {
  const { code } = error as NodeJS.ErrnoException
  return new CommandError(`The key file ${path} can't be read: ${code}`)
}

async function dataOf<Answer extends Answered>(
  base: URL,
  key: Key,
  call: (options: TransportOptions) => Promise<Answer>,
): Promise<DataOf<Answer>> {
  const answer = await call({
    baseUrl: base.origin,
    headers: { authorization: `Bearer ${key.text}` },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((error: unknown) => {
    if (!(error instanceof TransportError && error.code === 'not_json')) throw noAnswer(base, error)
    const status = error.status ?? 0
    throw new CommandError(`${base.origin} answered ${status}, and not as Fairlead's API would`, undefined, {
      cause: error,
    })
  })
  if (answer.status >= 200 && answer.status < 300) return answer.data as DataOf<Answer>
  throw refusal(base, key, answer.status, problemIn(answer.data))
}

/** How long a stream may be silent, ms: three heartbeats. */
const silenceMs = 45_000

async function openStream(
  base: URL,
  key: Key,
  path: string,
  position: string | undefined,
): Promise<AsyncIterable<Uint8Array>> {
  const silent = new AbortController()
  let timer = setTimeout(() => silent.abort(), timeoutMs)
  let response: Response
  try {
    response = await fetch(new URL(path, base), {
      headers: { authorization: `Bearer ${key.text}`, ...(position && { 'last-event-id': position }) },
      redirect: 'error',
      signal: silent.signal,
    })
  } catch (error) {
    throw noAnswer(base, error)
  } finally {
    clearTimeout(timer)
  }
  if (!response.ok || !response.body)
    throw refusal(base, key, response.status, problemIn(parseJson(await response.text())))
  const { body } = response
  return (async function* () {
    try {
      timer = setTimeout(() => silent.abort(), silenceMs)
      for await (const chunk of body) {
        timer.refresh()
        yield chunk
      }
    } finally {
      clearTimeout(timer)
    }
  })()
}

function refusal(base: URL, key: Key, status: number, problem: Problem | undefined): CommandError {
  if (status === 401) {
    return new CommandError(
      `${base.origin} doesn't accept the key from ${key.origin}: it is unknown, revoked or expired`,
    )
  }
  if (!problem) return new CommandError(`${base.origin} answered ${status}, and not as Fairlead's API would`)
  const faults = (problem.errors ?? []).map(
    ({ name, message }) => `\n  ${printable(name)}: ${printable(message)}`,
  )
  const asked = status >= 500 && problem.requestId ? ` (request ${printable(problem.requestId)})` : ''
  const patch = problem.patch ? `\n\n${printable(problem.patch, { lines: true })}` : ''
  return new CommandError(
    `${printable(problem.detail)} [${printable(problem.code)}]${asked}${faults.join('')}${patch}`,
  )
}

/** Undefined: it is none, so it was not the API that answered. */
function problemIn(data: unknown): Problem | undefined {
  if (typeof data !== 'object' || data === null) return undefined
  const { code, detail } = data as Partial<Problem>
  return typeof code === 'string' && typeof detail === 'string' ? (data as Problem) : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
