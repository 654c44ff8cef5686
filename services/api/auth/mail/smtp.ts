import type { Transporter } from 'nodemailer'
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
  let opened: Promise<Transporter> | undefined
  return {
    async send({ to, subject, text }) {
      opened ??= openTransport(url, from)
      const transport = await opened
      // As an object: a text would be parsed as a list of addresses.
      await transport.sendMail({ to: { name: '', address: to }, subject, text })
    },
    [Symbol.dispose]: () => void opened?.then(transport => transport.close()),
  }
}

/** Its modules are loaded with the first mail. */
async function openTransport(url: string, from: string): Promise<Transporter> {
  const { createTransport } = await import('nodemailer')
  return createTransport(
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
}
