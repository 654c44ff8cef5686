import type { SignIn } from '../sign-in.ts'
import type { Mail } from './mail.ts'

/** How long to wait before a mail that wasn't taken is tried again, ms: mail servers put off what they don't know (greylisting). */
const usualPausesMs = [1_000, 10_000, 60_000]

/** Sends a mail that nobody waits for. A full queue drops it, which is logged. */
export function queueMail(
  { queue, mailer, log }: Pick<SignIn, 'queue' | 'mailer' | 'log'>,
  mail: Mail,
  pausesMs: readonly number[] = usualPausesMs,
): void {
  const isQueued = queue.push(() => mailer.send(mail), pausesMs)
  if (!isQueued) log.warn({ subject: mail.subject }, 'mail.dropped')
}
