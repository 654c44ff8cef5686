import type { Role } from '../../role.ts'
import { deviceOf } from '../device.ts'
import type { Asked } from '../link/tickets.ts'
import type { Mail } from './mail.ts'

/** What is sent: text first, one link on a line of its own, and from where it was asked. Pure. */

export function signInMail(asked: Asked, link: string, code: string, at: Date): Mail {
  return {
    to: asked.email,
    subject: `Sign in to Fairlead: ${code}`,
    text: `Somebody asked to sign in to Fairlead as ${asked.email}.

In the browser that asked, open this link (good for 15 minutes, once):

${link}

Or type this code there (good for 5 minutes):

    ${code}

Asked with ${deviceOf(asked.agent)}, from ${asked.peer}, at ${at.toISOString()}.
If that wasn't you, ignore this mail: nobody is signed in without the browser that asked.
`,
  }
}

export interface InvitationFacts {
  readonly email: string
  readonly organization: string
  readonly role: Role
  readonly invitedBy: string
}

export function invitationMail(facts: InvitationFacts, link: string): Mail {
  const { email, organization, role, invitedBy } = facts
  return {
    to: email,
    subject: `${invitedBy} invites you to ${organization} on Fairlead`.replaceAll(/\p{Cc}/gu, ' '),
    text: `${invitedBy} invites you to the organization ${organization} on Fairlead, as ${role}.

To accept, open this link, and sign in as ${email} (good for 7 days, once):

${link}

If you didn't expect this, ignore this mail: nothing happens.
`,
  }
}

/** A sign-in with a browser that hadn't signed this person in before, or with a tool. */
export function signedInMail({ email, agent, peer }: Asked, at: Date): Mail {
  return {
    to: email,
    subject: newSignInSubject,
    text: `${email} was signed in to Fairlead with a browser or tool that is new: ${deviceOf(agent)}, from ${peer}, at ${at.toISOString()}.

If that was you, there is nothing to do.
If it wasn't, end that session in your list of sessions, and tell whoever runs this platform: somebody else has your mail, your passkey or a session of yours.
`,
  }
}

export const newSignInSubject = 'New sign-in to Fairlead'

export function passkeyMail(email: string, change: 'added' | 'removed', name: string, at: Date): Mail {
  return {
    to: email,
    subject: `A passkey of yours was ${change}`,
    text: `A passkey of ${email} on Fairlead was ${change} at ${at.toISOString()}: ${name}.

If that wasn't you or a superadmin whom you asked, tell whoever runs this platform, and end your other sessions.
`,
  }
}

export function reuseMail(email: string, device: string, at: Date): Mail {
  return {
    to: email,
    subject: 'Fairlead ended a sign-in of a tool',
    text: `A token of a tool that is signed in to Fairlead as ${email} was used twice, at ${at.toISOString()}: ${device}.

Either the tool lost an answer, or somebody else has a copy of the token. That sign-in has ended everywhere.
Sign in again with: fairlead login
If that wasn't you, look at your sessions, and tell whoever runs this platform.
`,
  }
}
