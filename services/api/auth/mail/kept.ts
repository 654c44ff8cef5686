import type { Mail, Mailer } from './mail.ts'

export interface KeptMail extends Mail {
  readonly at: Date
}

/** Mails that nobody sends: the newest are kept in memory, and shown on a page. */
export interface KeptMails extends Mailer {
  /** Newest first. */
  readonly mails: readonly KeptMail[]
}

/** Mails kept; one is a few hundred bytes. */
const mostKept = 50

export function openKeptMails(now: () => number = Date.now): KeptMails {
  let mails: KeptMail[] = []
  return {
    get mails() {
      return mails
    },
    async send(mail) {
      mails = [{ ...mail, at: new Date(now()) }, ...mails].slice(0, mostKept)
    },
    [Symbol.dispose]: () => {},
  }
}
