import type { Transporter } from 'nodemailer'
import type { Mailer } from './mail.ts'

/** How long a server may be silent, ms. */
const timeoutMs = 10_000
/** How long one mail may take, ms: four are sent at one time, and a server that says something now and then would hold one for minutes. */
const wholeMs = 20_000

/**
 * Sends by SMTP (`smtp://user:password@host:587`, `smtps://…:465`). TLS is used wherever the server offers it, and required
 * by `smtps:` and by `?requireTLS=true`.
 *
 * Each mail has a connection of its own, which is closed with it: they are few, and one that hangs keeps no other from its connection.
 *
 * @param from whom mails come from, such as `Fairlead <no-reply@example.com>`
 * @param mostMs how long one mail may take. Default 20,000
 */
export function openSmtp(url: string, from: string, mostMs: number = wholeMs): Mailer {
  let opened: Promise<Transporter> | undefined
  return {
    async send({ to, subject, text }) {
      opened ??= openTransport(url, from)
      const transport = await opened
      // As an object: a text would be parsed as a list of addresses.
      await transport.sendMail({
        to: { name: '', address: to },
        subject,
        text,
        signal: AbortSignal.timeout(mostMs),
      })
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
