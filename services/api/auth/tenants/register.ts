import { ErrorReason } from '@fairlead/wire/store/error'
import { storeErrorDetail } from '@fairlead/wire/store-client'
import type { z } from 'zod'
import type { OpenCall } from '../../operation.ts'
import { ApiError } from '../../problem.ts'
import { storeProblem } from '../../store-problem.ts'
import { readAddress } from '../address.ts'
import { networkOf } from '../limits.ts'
import { away } from '../link/serve-link.ts'
import { queueMail } from '../mail/queue-mail.ts'
import { membershipsOf } from '../people.ts'
import type { SignIn } from '../sign-in.ts'
import type { TenantAccounts } from './accounts.ts'
import { changeBy } from './enter.ts'
import { knownAddressMail, registrationMail } from './mails.ts'
import type { registrationBody } from './registration-body.ts'
import type { Registration } from './registrations.ts'
import { requireGoodPassword } from './require-password.ts'

type Wanted = z.infer<typeof registrationBody>

/**
 * Answers the same, after the same work, whoever has the address: what follows (which mail, or none) is queued, and done when the
 * answer has gone out. Throws an ApiError `request_invalid`, `conflict` for a slug that is taken, `rate_limited` or `unavailable`.
 */
export async function register(
  signIn: SignIn,
  accounts: TenantAccounts,
  { password, slug, ...given }: Wanted,
  from: OpenCall['from'],
): Promise<void> {
  const wanted = { email: readAddress(given.email)!, slug, displayName: given.displayName ?? slug }
  requireGoodPassword(accounts, password, { field: 'password', about: [wanted.email, wanted.slug] })
  if (!(await away(signIn.limits.takeTry(from.peer)))) {
    throw new ApiError('rate_limited', undefined, { retryAfterSeconds: 600 })
  }
  if (signIn.redis.status !== 'ready') throw new ApiError('unavailable', undefined, { retryAfterSeconds: 5 })
  await requireFreeSlug(signIn, wanted.slug)
  const digest = await accounts.digests.make(password, networkOf(from.peer))
  const isQueued = signIn.queue.push(() => sendRegistration(signIn, accounts, { ...wanted, digest }, from))
  if (!isQueued) signIn.log.warn({ peer: from.peer, outcome: 'dropped' }, 'tenant.registering')
}

async function sendRegistration(
  signIn: SignIn,
  accounts: TenantAccounts,
  registration: Registration,
  from: OpenCall['from'],
): Promise<void> {
  const { email, slug } = registration
  const outcome = await outcomeOf(signIn, email, from.peer)
  signIn.log.info({ peer: from.peer, outcome }, 'tenant.registering')
  if (outcome === 'limited') return
  const now = new Date()
  if (outcome === 'known') {
    const link = new URL('/auth/sign-in', signIn.publicUrl).href
    return queueMail(signIn, knownAddressMail(email, link, from, now))
  }
  const token = await accounts.registrations.begin(registration, now.getTime())
  if (token === undefined) return signIn.log.warn({ peer: from.peer, outcome: 'full' }, 'tenant.registering')
  const link = new URL('/auth/tenants/verify', signIn.publicUrl)
  link.searchParams.set('token', token)
  queueMail(signIn, registrationMail(email, slug, link.href, from, now))
}

async function outcomeOf(signIn: SignIn, email: string, peer: string): Promise<'new' | 'known' | 'limited'> {
  if (!(await signIn.limits.takeRequest(peer))) return 'limited'
  // Taken for each address: what is answered later must not tell either.
  if (!(await signIn.limits.takeMail(email))) return 'limited'
  const isKnown = signIn.staff.has(email) || (await membershipsOf(signIn.store, email)).size > 0
  return isKnown ? 'known' : 'new'
}

/** Slugs are part of public addresses, so it is no secret that a slug is taken. Throws an ApiError `conflict`. */
async function requireFreeSlug({ store }: SignIn, slug: string): Promise<void> {
  try {
    await store.organizations.getOrganization({ by: { case: 'slug', value: slug } })
  } catch (error) {
    const problem = storeProblem(error)
    if (problem.code === 'not_found') return
    throw problem
  }
  throw slugTaken(slug)
}

function whichConflict(error: unknown, slug: string): ApiError {
  const reason = storeErrorDetail(error)?.reason
  if (reason === ErrorReason.SLUG_TAKEN) return slugTaken(slug)
  if (reason !== ErrorReason.NAME_TAKEN) return storeProblem(error)
  return new ApiError('conflict', 'This address has an account meanwhile: sign in.', { cause: error })
}

const slugTaken = (slug: string): ApiError =>
  new ApiError('conflict', `There is an organization ${slug} already: choose another slug.`)

interface Proof {
  readonly token: string
  readonly password: string
  /** Instead of the registered one, which somebody else may have taken meanwhile. */
  readonly slug?: string | undefined
}

/**
 * Completes a registration by the token of its mail and the password that was chosen: the organization, its owner and the password are
 * made together or not at all. Throws an ApiError: `sign_in_refused`; `conflict` for a slug that is taken, and for an address that has
 * an account meanwhile, of which only its owner learns.
 */
export async function completeRegistration(
  signIn: SignIn,
  accounts: TenantAccounts,
  { token, password, slug }: Proof,
  from: OpenCall['from'],
): Promise<{ readonly email: string; readonly slug: string }> {
  if (!(await away(signIn.limits.takeTry(from.peer)))) {
    throw new ApiError('rate_limited', undefined, { retryAfterSeconds: 600 })
  }
  const registration = await away(accounts.registrations.look(token))
  const isProved =
    registration !== undefined &&
    (await accounts.digests.isOf(password, registration.digest, networkOf(from.peer)))
  if (!isProved || signIn.staff.has(registration.email)) {
    signIn.log.info({ method: 'registration', peer: from.peer }, 'sign_in.refused')
    const detail =
      'The link is no longer good, or the password is not the one of the registration: register again.'
    throw new ApiError('sign_in_refused', detail)
  }
  const { email, digest, displayName } = registration
  const wanted = { email, digest, displayName, slug: slug ?? registration.slug }
  const webhookLimit = BigInt(accounts.webhookLimit)
  await signIn.store.tenants
    .registerTenant({ ...wanted, webhookLimit, change: changeBy(email, from) })
    .catch((error: unknown) => {
      throw whichConflict(error, wanted.slug)
    })
  await away(accounts.registrations.end(token))
  await away(accounts.delays.right(email, networkOf(from.peer)))
  return { email, slug: wanted.slug }
}
