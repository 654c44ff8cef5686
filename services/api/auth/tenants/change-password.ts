import type { PersonCaller } from '../../caller.ts'
import { isFresh } from '../../fresh-proof.ts'
import type { Call } from '../../operation.ts'
import { ApiError } from '../../problem.ts'
import { storeProblem } from '../../store-problem.ts'
import { networkOf } from '../limits.ts'
import { away } from '../link/serve-link.ts'
import { queueMail } from '../mail/queue-mail.ts'
import type { SignInMethod } from '../sessions/record.ts'
import type { SignIn } from '../sign-in.ts'
import type { TenantAccounts } from './accounts.ts'
import { passwordOf } from './enter.ts'
import { forgiveTries, waitForTry } from './log-in.ts'
import { passwordMail } from './mails.ts'
import { refusePassword, requireGoodPassword } from './require-password.ts'

interface Wanted {
  readonly currentPassword?: string | undefined
  readonly newPassword: string
}

/** Methods that prove the address anew: whoever forgot the password signs in by one of them and sets another. */
const byMail: ReadonlySet<SignInMethod> = new Set(['link', 'code', 'oidc'])

export const isByMail = ({ method }: { readonly method: SignInMethod }): boolean => byMail.has(method)

/**
 * Sets a person's password and ends all other sessions. The proof is the password before, or a sign-in by mail within 10 minutes: a
 * browser that was left open is none. Throws an ApiError: `request_invalid` with the field, `proof_too_old`, `conflict`.
 */
export async function changePassword(
  signIn: SignIn,
  accounts: TenantAccounts,
  { person, wanted, change }: { person: PersonCaller; wanted: Wanted; change: Call['change'] },
): Promise<{ readonly endedSessions: number }> {
  const { email, sessionId } = person
  const from = { peer: change.address ?? '', agent: change.agent ?? '' }
  const about = [email, ...[...person.memberships.values()].map(({ slug }) => slug)]
  requireGoodPassword(accounts, wanted.newPassword, { field: 'newPassword', about })
  const known = await passwordOf(signIn.store, email)
  const session = await away(signIn.sessions.findById(sessionId, Date.now()))
  const isProvedByMail = session !== undefined && isByMail(session) && isFresh(person, Date.now())
  if (known && !isProvedByMail) await requireCurrent(signIn, accounts, { email, wanted, known }, from.peer)
  else if (!isProvedByMail) throw new ApiError('proof_too_old')
  const digest = await accounts.digests.make(wanted.newPassword, networkOf(from.peer))
  await signIn.store.tenants
    .setPassword({ email, digest, expectedVersion: known?.version ?? 0n, change })
    .catch((error: unknown) => {
      throw orChanged(storeProblem(error))
    })
  // Before the sessions, which may fail: whoever's password was changed by somebody else hears of it in any case.
  queueMail(signIn, passwordMail(email, known ? 'changed' : 'set', from, new Date()))
  return { endedSessions: await endOthers(signIn, email, sessionId) }
}

/** How long to wait before sessions that could not be ended are ended again, ms. */
const endPausesMs = [1_000, 10_000, 60_000, 300_000, 1_800_000, 3_600_000]

/** Throws an ApiError `unavailable` where Redis is away: the sessions are ended as soon as it is back. */
async function endOthers({ sessions, queue, log }: SignIn, email: string, exceptId: string): Promise<number> {
  try {
    return await sessions.endAll(email, exceptId)
  } catch (cause) {
    const isQueued = queue.push(async () => void (await sessions.endAll(email, exceptId)), endPausesMs)
    log.error({ err: cause, sessionId: exceptId, isQueued }, 'password.sessions_not_ended')
    const told =
      'The password is changed. Your other sessions could not be ended yet, and are as soon as possible: look at the list of sessions, and end what is left there.'
    throw new ApiError('unavailable', told, { cause, retryAfterSeconds: 5 })
  }
}

/** Tries of the password before are bounded as those of signing in are: a stolen session is no way to guess it. */
async function requireCurrent(
  signIn: SignIn,
  accounts: TenantAccounts,
  { email, wanted, known }: { email: string; wanted: Wanted; known: { readonly digest: string } },
  peer: string,
): Promise<void> {
  const { currentPassword, newPassword } = wanted
  if (currentPassword === undefined) {
    const how = 'is needed, or a sign-in by mail within the last 10 minutes'
    throw refusePassword('currentPassword', how)
  }
  await waitForTry(signIn, accounts, email, peer)
  const isRight = await accounts.digests.isOf(currentPassword, known.digest, networkOf(peer))
  if (!isRight) throw refusePassword('currentPassword', 'is not the password of this account')
  await forgiveTries(signIn, accounts, email, peer)
  if (newPassword === currentPassword) throw refusePassword('newPassword', 'is the one that you have')
}

const orChanged = (problem: ApiError): ApiError =>
  problem.code === 'precondition_failed'
    ? new ApiError('conflict', 'The password was changed meanwhile.', { cause: problem })
    : problem
