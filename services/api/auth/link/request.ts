import { queueMail } from '../mail/queue-mail.ts'
import { signInMail } from '../mail/texts.ts'
import { isInvited, membershipsOf } from '../people.ts'
import type { SignIn } from '../sign-in.ts'
import type { Asked } from './tickets.ts'

/** How long to wait before a mail that wasn't taken is tried again, ms: its code is good for five minutes. */
const retryPausesMs = [1_000, 10_000]

/**
 * Queues all that an address's request leads to. The answer has gone out by then: how long this takes, and whether anything is
 * sent at all, tells nobody whether the address is known, disabled or limited.
 */
export function queueLink(signIn: SignIn, asked: Asked, login: string): void {
  const isQueued = signIn.queue.push(() => sendLink(signIn, asked, login))
  if (!isQueued) signIn.log.warn({ peer: asked.peer, outcome: 'dropped' }, 'sign_in.asked')
}

async function sendLink(signIn: SignIn, asked: Asked, login: string): Promise<void> {
  const outcome = await outcomeOf(signIn, asked)
  signIn.log.info({ peer: asked.peer, outcome }, 'sign_in.asked')
  if (outcome !== 'sent') return
  const now = new Date()
  const { token, code } = await signIn.tickets.issue(asked, login, now.getTime())
  const link = new URL('/auth/verify', signIn.publicUrl)
  link.searchParams.set('token', token)
  queueMail(signIn, signInMail(asked, link.href, code, now), retryPausesMs)
}

async function outcomeOf(signIn: SignIn, { email, peer }: Asked): Promise<'sent' | 'limited' | 'unknown'> {
  if (!(await signIn.limits.takeRequest(peer))) return 'limited'
  // Taken for unknown addresses too: what is answered later must not tell either.
  if (!(await signIn.limits.takeMail(email))) return 'limited'
  return (await mayEnter(signIn, email)) ? 'sent' : 'unknown'
}

/** Whether an address has anything to sign in for. */
export async function mayEnter({ store, staff }: SignIn, email: string): Promise<boolean> {
  if (staff.has(email) || (await membershipsOf(store, email)).size > 0) return true
  return await isInvited(store, email)
}
