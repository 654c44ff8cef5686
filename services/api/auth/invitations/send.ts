import type { Role } from '../../role.ts'
import { queueMail } from '../mail/queue-mail.ts'
import { invitationMail } from '../mail/texts.ts'
import type { SignIn } from '../sign-in.ts'

/** What a mail says of an invitation. */
export interface Invited {
  readonly id: string
  readonly email: string
  readonly role: Role
  readonly invitedBy: string
  readonly organization: { readonly displayName: string }
}

/** Queues an invitation's mail. The invitation stands also if the mail fails: it is shown to whoever signs in as the address. */
export function queueInvitation(signIn: SignIn, invited: Invited, token: string): void {
  const link = new URL('/auth/invitation', signIn.publicUrl)
  link.searchParams.set('token', token)
  const mail = invitationMail({ ...invited, organization: invited.organization.displayName }, link.href)
  queueMail(signIn, mail)
}
