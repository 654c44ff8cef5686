import { deviceOf } from '../device.ts'
import type { Mail } from '../mail/mail.ts'

/** Where something was asked. */
interface From {
  readonly peer: string
  readonly agent: string
}

/** Nothing that a stranger wrote stands in it but a slug: a mail that anybody can have sent carries nobody's message. Pure. */
export function registrationMail(email: string, slug: string, link: string, from: From, at: Date): Mail {
  return {
    to: email,
    subject: 'Confirm your address for Fairlead',
    text: `Somebody registered the organization ${slug} on Fairlead with the address ${email}.

To confirm, open this link, and type the password that was chosen then (good for 24 hours, once):

${link}

Asked with ${deviceOf(from.agent)}, from ${from.peer}, at ${at.toISOString()}.
If that wasn't you, ignore this mail: without that password nothing is made.
`,
  }
}

export function knownAddressMail(email: string, signInLink: string, from: From, at: Date): Mail {
  return {
    to: email,
    subject: 'You have an account on Fairlead',
    text: `Somebody wanted to register on Fairlead with the address ${email}, which has an account already.

Sign in by mail here; then you may set a new password:

${signInLink}

Asked with ${deviceOf(from.agent)}, from ${from.peer}, at ${at.toISOString()}.
If that wasn't you, ignore this mail: nothing has changed.
`,
  }
}

export function passwordMail(email: string, change: 'set' | 'changed', from: From, at: Date): Mail {
  return {
    to: email,
    subject: `Your password on Fairlead was ${change}`,
    text: `The password of ${email} on Fairlead was ${change} with ${deviceOf(from.agent)}, from ${from.peer}, at ${at.toISOString()}.
All other sessions have ended.

If that wasn't you, sign in by mail, set another password, and tell whoever runs this platform.
`,
  }
}
