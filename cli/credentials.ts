import { readFileSync } from 'node:fs'
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { CommandError } from './command-error.ts'
import { noAnswer } from './no-answer.ts'

/** What `fairlead login` keeps for one API, in a file of mode 600. */
export interface Credentials {
  readonly accessToken: string
  /** When the access token ends, ms since 1970. */
  readonly endsAtMs: number
  readonly refreshToken: string
}

/** What the API answers a sign-in or a refresh with (https://www.rfc-editor.org/rfc/rfc6749#section-5.1). */
export interface TokenAnswer {
  readonly access_token: string
  readonly expires_in: number
  readonly refresh_token: string
}

/** A token that ends within this time isn't used any more, ms. */
const marginMs = 30_000

type Kept = Record<string, Credentials>

function credentialsFile(env: NodeJS.ProcessEnv): string {
  const folder = env.XDG_CONFIG_HOME ?? join(env.HOME ?? homedir(), '.config')
  return join(folder, 'fairlead', 'credentials.json')
}

/** Whether somebody has signed in to this API here. */
export function isSignedIn(base: URL, env: NodeJS.ProcessEnv): boolean {
  try {
    return base.origin in (JSON.parse(readFileSync(credentialsFile(env), 'utf8')) as Kept)
  } catch {
    return false
  }
}

export async function readCredentials(base: URL, env: NodeJS.ProcessEnv): Promise<Credentials | undefined> {
  return (await readAll(env))[base.origin]
}

async function readAll(env: NodeJS.ProcessEnv): Promise<Kept> {
  const path = credentialsFile(env)
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Kept
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new CommandError(`${path} can't be read: delete it, and sign in again with: fairlead login`)
  }
}

/** Keeps credentials, or forgets them where there are none. Whole or not at all, readable to the owner alone. */
export async function keepCredentials(
  base: URL,
  env: NodeJS.ProcessEnv,
  credentials: Credentials | undefined,
): Promise<void> {
  const { [base.origin]: _old, ...others } = await readAll(env)
  const kept: Kept = { ...others, ...(credentials && { [base.origin]: credentials }) }
  const path = credentialsFile(env)
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 })
  const partial = `${path}.${process.pid}`
  try {
    await writeFile(partial, `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600 })
    await chmod(partial, 0o600)
    await rename(partial, path)
  } finally {
    await rm(partial, { force: true })
  }
}

export function credentialsOf(answer: TokenAnswer, nowMs: number): Credentials {
  return {
    accessToken: answer.access_token,
    endsAtMs: nowMs + answer.expires_in * 1000,
    refreshToken: answer.refresh_token,
  }
}

/**
 * A token that is good now: the one that is kept, or a fresh one for it. Two commands that wake at once both get the same
 * successor from the API. Throws a CommandError that says to sign in again.
 */
export async function freshToken(base: URL, env: NodeJS.ProcessEnv): Promise<string> {
  const kept = await readCredentials(base, env)
  if (kept && kept.endsAtMs - marginMs > Date.now()) return kept.accessToken
  const answer = kept && (await postForm(base, '/auth/refresh', { refresh_token: kept.refreshToken }))
  if (!answer?.ok) {
    throw new CommandError(`You are not signed in to ${base.origin} any more. Sign in with: fairlead login`)
  }
  const credentials = credentialsOf((await answer.json()) as TokenAnswer, Date.now())
  await keepCredentials(base, env, credentials)
  return credentials.accessToken
}

/** Posts a form to the API's own pages for tools. */
export async function postForm(base: URL, path: string, fields: Record<string, string>): Promise<Response> {
  try {
    return await fetch(new URL(path, base), {
      method: 'POST',
      headers: { 'user-agent': `fairlead/1 (${process.platform})`, accept: 'application/json' },
      body: new URLSearchParams(fields),
      redirect: 'error',
      signal: AbortSignal.timeout(30_000),
    })
  } catch (error) {
    throw noAnswer(base, error)
  }
}
