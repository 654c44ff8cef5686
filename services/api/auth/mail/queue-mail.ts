import type { SignIn } from '../sign-in.ts'
import type { Mail } from './mail.ts'
import { withRetries } from './queue.ts'

/** How long to wait before a mail that wasn't taken is tried again, ms. */
const retryPausesMs = [1_000, 10_000, 60_000]

/** Sends a mail that nobody waits for. A full queue drops it, which is logged. */
export function queueMail(
  { queue, mailer, log }: Pick<SignIn, 'queue' | 'mailer' | 'log'>,
  mail: Mail,
): void {
  const isQueued = queue.push(() => withRetries(() => mailer.send(mail), retryPausesMs))
  if (!isQueued) log.warn({ subject: mail.subject }, 'mail.dropped')
}
