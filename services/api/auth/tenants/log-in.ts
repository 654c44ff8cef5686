import { setTimeout as delay } from 'node:timers/promises'
import type { Password } from '@fairlead/wire/store/tenant'
import type { OpenCall } from '../../operation.ts'
import { ApiError } from '../../problem.ts'
import { networkOf } from '../limits.ts'
import { away } from '../link/serve-link.ts'
import { membershipsOf } from '../people.ts'
import type { SignIn } from '../sign-in.ts'
import type { TenantAccounts } from './accounts.ts'
import { enterByPassword, passwordOf, type Tokens } from './enter.ts'
import { isOutdated } from './password-digests.ts'

interface Given {
  readonly email: string
  readonly password: string
}

interface ProvenPassword {
  readonly known: Password
  /** Whether the address signed in from this network lately. */
  readonly isKnownNetwork: boolean
}

/** Signs a program in by a password. Throws an ApiError: `sign_in_refused`, `rate_limited` or `unavailable`. */
export async function logIn(
  signIn: SignIn,
  accounts: TenantAccounts,
  given: Given,
  from: OpenCall['from'],
): Promise<Tokens> {
  const { known, isKnownNetwork } = await provePassword(signIn, accounts, given, from.peer)
  const { sessionId, ...tokens } = await enterByPassword(signIn, given.email, from, isKnownNetwork)
  await requireUnchanged(signIn, { email: given.email, sessionId, known }, from.peer)
  return tokens
}

/**
 * An address that is nobody's, has no password, is staff's or is a member nowhere takes the same way to the same answer as a wrong
 * password. Throws an ApiError: `sign_in_refused`, `rate_limited` or `unavailable`.
 */
export async function provePassword(
  signIn: SignIn,
  accounts: TenantAccounts,
  { email, password }: Given,
  peer: string,
): Promise<ProvenPassword> {
  await waitForTry(signIn, accounts, email, peer)
  const network = networkOf(peer)
  const [known, memberships] = await Promise.all([
    passwordOf(signIn.store, email),
    membershipsOf(signIn.store, email),
  ])
  const isRight = await accounts.digests.isOf(password, known?.digest, network)
  // Staff signs in by mail or passkey alone: a password is too little for the platform.
  if (!isRight || !known || memberships.size === 0 || signIn.staff.has(email)) throw refused(signIn, peer)
  const isKnownNetwork = await away(accounts.delays.isKnown(email, network))
  await forgiveTries(signIn, accounts, email, peer)
  await renewDigest(signIn, accounts, { email, password, known }, network)
  return { known, isKnownNetwork }
}

/**
 * Ends a session that has just begun where its password was changed meanwhile: whoever changed it has ended all sessions that they saw, and
 * this one was not among them. Throws an ApiError `sign_in_refused` then.
 */
export async function requireUnchanged(
  signIn: SignIn,
  {
    email,
    sessionId,
    known,
  }: { readonly email: string; readonly sessionId: string; readonly known: Password },
  peer: string,
): Promise<void> {
  if ((await passwordOf(signIn.store, email))?.version === known.version) return
  await away(signIn.sessions.end(email, sessionId))
  throw refused(signIn, peer)
}

function refused({ log }: SignIn, peer: string): ApiError {
  log.info({ method: 'password', peer }, 'sign_in.refused')
  return new ApiError('sign_in_refused', 'The address or the password is wrong.')
}

/** Holds a try for as long as the tries before it cost. Throws an ApiError `rate_limited`. */
export async function waitForTry(
  { limits }: SignIn,
  { delays }: TenantAccounts,
  email: string,
  peer: string,
): Promise<void> {
  if (!(await away(limits.takePassword(peer)))) {
    throw new ApiError('rate_limited', undefined, { retryAfterSeconds: 600 })
  }
  const place = await away(delays.take(email, networkOf(peer), Date.now()))
  switch (place.kind) {
    case 'wait':
      if (place.ms > 0) await delay(place.ms)
      return
    case 'refused': {
      const { retryAfterSeconds } = place
      const detail = 'Too many passwords were tried for this address: wait, or sign in by mail.'
      throw new ApiError('rate_limited', detail, { retryAfterSeconds })
    }
    default:
      place satisfies never
  }
}

export async function forgiveTries(
  { limits }: SignIn,
  { delays }: TenantAccounts,
  email: string,
  peer: string,
): Promise<void> {
  await away(Promise.all([limits.returnPassword(peer), delays.right(email, networkOf(peer))]))
}

/** Digests of earlier parameters are made anew while the password is at hand. That another process has done so is as good. */
async function renewDigest(
  { store, log }: SignIn,
  { digests }: TenantAccounts,
  { email, password, known }: { email: string; password: string; known: Password },
  network: string,
): Promise<void> {
  if (!isOutdated(known.digest)) return
  const renewed = { email, expectedVersion: known.version, rehashed: true }
  await store.tenants
    .setPassword({ ...renewed, digest: await digests.make(password, network) })
    .catch((err: unknown) => log.warn({ err }, 'password.unrenewed'))
}
