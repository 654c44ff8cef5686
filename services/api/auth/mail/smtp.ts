import { createTransport } from 'nodemailer'
import type { Mailer } from './mail.ts'

/** How long a server may take to answer, ms. */
const timeoutMs = 10_000

/**
 * Sends by SMTP (`smtp://user:password@host:587`, `smtps://…:465`). TLS is used wherever the server offers it, and required
 * by `smtps:` and by `?requireTLS=true`.
 *
 * @param from whom mails come from, such as `Fairlead <no-reply@example.com>`
 */
export function openSmtp(url: string, from: string): Mailer {
  const transport = createTransport(
    {
      url,
      pool: true,
      maxConnections: 2,
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      // Nothing of a mail is read from files or other hosts.
      disableFileAccess: true,
      disableUrlAccess: true,
    },
    { from },
  )
  return {
    async send({ to, subject, text }) {
      // As an object: a text would be parsed as a list of addresses.
      await transport.sendMail({ to: { name: '', address: to }, subject, text })
    },
    [Symbol.dispose]: () => transport.close(),
  }
}
