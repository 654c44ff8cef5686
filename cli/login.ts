import { setTimeout as delay } from 'node:timers/promises'
import { apiUrl } from './api-client.ts'
import { readArguments } from './arguments.ts'
import { CommandError, exitCode } from './command-error.ts'
import { credentialsOf, keepCredentials, postForm, readCredentials, type TokenAnswer } from './credentials.ts'
import { printable } from './terminal.ts'

const loginUsage = `fairlead login

Signs this machine in as you: shows a code, which you type on a page where you
are signed in with a browser. What it gets is kept in
~/.config/fairlead/credentials.json, readable to you alone; commands use it where
no API key is given.

  --url URL              the API; default $FAIRLEAD_API_URL, else
                         http://localhost:8081`

const logoutUsage = `fairlead logout

Ends what fairlead login began, here and on the server.

  --url URL              the API; default $FAIRLEAD_API_URL, else
                         http://localhost:8081`

interface Begun {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
  readonly expires_in: number
  readonly interval: number
}

export async function login(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<number> {
  const { values } = readArguments(loginUsage, args, { url: { type: 'string' } }, { most: 0 })
  const base = apiUrl(values.url ?? env.FAIRLEAD_API_URL, env)
  const begun = await begin(base)
  console.log(
    `Open ${printable(begun.verification_uri)} and type this code:\n\n  ${printable(begun.user_code)}\n`,
  )
  const answer = await untilDecided(base, begun)
  await keepCredentials(base, env, credentialsOf(answer, Date.now()))
  console.log(`You are signed in to ${base.origin}.`)
  return exitCode.ok
}

async function begin(base: URL): Promise<Begun> {
  const response = await postForm(base, '/auth/device/code', { client_id: 'fairlead' })
  if (response.ok) return (await response.json()) as Begun
  const { detail } = (await response.json().catch(() => ({}))) as { detail?: string }
  throw new CommandError(
    `${base.origin} signs nobody in${detail ? `: ${printable(detail)}` : ` (it answered ${response.status})`}`,
  )
}

/** Asks as often as the API said, until the person has decided. */
async function untilDecided(base: URL, begun: Begun): Promise<TokenAnswer> {
  let intervalMs = begun.interval * 1000
  const endsAtMs = Date.now() + begun.expires_in * 1000
  while (Date.now() < endsAtMs) {
    await delay(intervalMs)
    const response = await postForm(base, '/auth/token', {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: begun.device_code,
      client_id: 'fairlead',
    })
    if (response.ok) return (await response.json()) as TokenAnswer
    const { error } = (await response.json().catch(() => ({}))) as { error?: string }
    if (error === 'slow_down') intervalMs += 5_000
    else if (error === 'access_denied') throw new CommandError('It was refused in the browser.')
    else if (error === 'expired_token') break
  }
  throw new CommandError('Nobody typed the code in time. Begin again with: fairlead login')
}

export async function logout(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<number> {
  const { values } = readArguments(logoutUsage, args, { url: { type: 'string' } }, { most: 0 })
  const base = apiUrl(values.url ?? env.FAIRLEAD_API_URL, env)
  const kept = await readCredentials(base, env)
  if (!kept) {
    console.log(`You are not signed in to ${base.origin}.`)
    return exitCode.ok
  }
  const response = await postForm(base, '/auth/revoke', { refresh_token: kept.refreshToken })
  if (!response.ok) throw new CommandError(`${base.origin} answered ${response.status}; nothing was ended`)
  await keepCredentials(base, env, undefined)
  console.log(`You are signed out of ${base.origin}.`)
  return exitCode.ok
}
