import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
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
  /** The answer's JSON; undefined where there is none. Throws a CommandError for everything but 2xx. */
  call<T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T>
  /** Changes a setting. Throws like `call`. */
  change<T>(method: 'PUT' | 'PATCH' | 'DELETE', path: string, asked: SettingChange): Promise<T>
  /** A stream that lasts; `position` is where it goes on. Throws a CommandError, with a `cause` where no answer came. */
  stream(path: string, position?: string): Promise<AsyncIterable<Uint8Array>>
  /** The path of the organization that was asked for, `/api/v1/organizations/acme`. */
  organizationPath(): Promise<string>
}

/** What goes with a change of a setting. */
export interface SettingChange {
  readonly body?: unknown
  /** The state that was read; absent: any. */
  readonly etag?: string
}

/** How long one answer may take, ms. */
const timeoutMs = 30_000

/** Finds URL, key and organization: options first, then the environment, then what `npm start` leaves. */
export function openApi(values: ApiValues, env: NodeJS.ProcessEnv = process.env): ApiClient {
  const base = apiUrl(values.url ?? env.FAIRLEAD_API_URL, env)
  const key = findKey(values['key-file'], base, env)
  const call = <T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown) =>
    key().then(found => callApi(base, found, method, path, body)) as Promise<T>
  return {
    call,
    change: async <T>(method: string, path: string, { body, etag }: SettingChange) =>
      (await callApi(base, await key(), method, path, body, {
        'if-match': etag === undefined ? '*' : `"${etag}"`,
      })) as T,
    stream: async (path, position) => openStream(base, await key(), path, position),
    async organizationPath() {
      const slug = values.organization ?? env.FAIRLEAD_ORGANIZATION ?? (await onlyOrganization(call))
      return `/api/v1/organizations/${encodeURIComponent(slug)}`
    },
  }
}

async function onlyOrganization(call: ApiClient['call']): Promise<string> {
  const { items } = await call<{ items: { slug: string }[] }>('GET', '/api/v1/organizations?limit=20')
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

async function callApi(
  base: URL,
  key: Key,
  method: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const url = new URL(path, base)
  let response: Response
  let text: string
  try {
    response = await fetch(url, {
      method,
      headers: {
        authorization: `Bearer ${key.text}`,
        ...headers,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    })
    text = await response.text()
  } catch (error) {
    throw noAnswer(base, error)
  }
  if (response.ok) return text === '' ? undefined : parseJson(base, text)
  throw refusal(base, key, response.status, text)
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
  if (!response.ok || !response.body) throw refusal(base, key, response.status, await response.text())
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

function refusal(base: URL, key: Key, status: number, text: string): CommandError {
  const problem = readProblem(text)
  if (status === 401) {
    return new CommandError(
      `${base.origin} doesn't accept the key from ${key.origin}: it is unknown, revoked or expired`,
    )
  }
  if (!problem) return new CommandError(`${base.origin} answered ${status}, and not as Fairlead's API would`)
  const faults = (problem.errors ?? []).map(
    ({ name, message }) => `\n  ${printable(name)}: ${printable(message)}`,
  )
  const trace = problem.traceId ? ` (trace ${printable(problem.traceId)})` : ''
  const patch = problem.patch ? `\n\n${printable(problem.patch, { lines: true })}` : ''
  return new CommandError(
    `${printable(problem.detail)} [${printable(problem.code)}]${trace}${faults.join('')}${patch}`,
  )
}

interface ProblemText {
  readonly code: string
  readonly detail: string
  readonly traceId?: string
  /** YAML that makes the change where the setting is declared. */
  readonly patch?: string
  readonly errors?: readonly { readonly name: string; readonly message: string }[]
}

function readProblem(text: string): ProblemText | undefined {
  try {
    const problem: unknown = JSON.parse(text)
    if (typeof problem !== 'object' || problem === null) return undefined
    const { code, detail } = problem as Partial<ProblemText>
    return typeof code === 'string' && typeof detail === 'string' ? (problem as ProblemText) : undefined
  } catch {
    return undefined
  }
}

function parseJson(base: URL, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new CommandError(`${base.origin} is not Fairlead's API: its answer is no JSON`, undefined, {
      cause,
    })
  }
}
