import { createHash } from 'node:crypto'
import { ActorKind } from '@fairlead/wire/store/audit'
import type { Request, Response, Router } from 'express'
import { presentInvitation } from '../../invitations.ts'
import { ApiError } from '../../problem.ts'
import { storeProblem } from '../../store-problem.ts'
import { fieldOf, named, readForm } from '../form.ts'
import { homePath, rememberPage } from '../landing.ts'
import { away } from '../link/serve-link.ts'
import { sendPage } from '../pages/page.ts'
import { endedPage, invitationPage } from '../pages/pages.ts'
import { canBeSecret } from '../secret.ts'
import type { SignIn } from '../sign-in.ts'
import { join } from './join.ts'

/**
 * The page behind an invitation's link. It changes nothing: who is signed in as the invited address gets a button, others a form
 * that sends the sign-in link to that address.
 */
export function serveInvitation(router: Router, signIn: SignIn): void {
  router.get('/invitation', named('invitationPage'), async (request, response) => {
    const { token } = request.query
    const invitation = typeof token === 'string' ? await findByToken(signIn, token) : undefined
    if (!invitation) return sendPage(response, 200, endedPage)
    const email = await signedInAs(signIn, request)
    // Who signs in from here comes back.
    if (email !== invitation.email) rememberPage(signIn, request.originalUrl, response)
    sendPage(response, 200, invitationPage(invitation, email === invitation.email))
  })
  router.post('/invitation', named('acceptInvitationByForm'), ...readForm, (request, response) =>
    accept(signIn, request, response),
  )
}

async function accept(signIn: SignIn, request: Request, response: Response): Promise<void> {
  const email = await signedInAs(signIn, request)
  if (!email) throw new ApiError('unauthenticated', 'Sign in as the invited address first.')
  const { peer: address, requestId } = response.locals
  const agent = request.get('user-agent') ?? ''
  const actor = { actorKind: ActorKind.MEMBER, actorId: email, actorName: email }
  await join(signIn.store, email, fieldOf(request, 'invitation') ?? '', {
    change: { ...actor, via: 'api', address, agent, requestId },
  })
  response.append('set-cookie', signIn.cookies.clear('landing'))
  response.redirect(303, homePath)
}

async function findByToken({ store }: SignIn, token: string) {
  if (!canBeSecret(token)) return undefined
  const value = createHash('sha256').update(token).digest()
  const { invitations } = await store.members
    .findInvitations({ by: { case: 'tokenSha256', value } })
    .catch((error: unknown) => {
      throw storeProblem(error)
    })
  return invitations[0] && presentInvitation(invitations[0])
}

async function signedInAs({ cookies, sessions }: SignIn, request: Request): Promise<string | undefined> {
  const secret = cookies.read(request.headers.cookie, 'session')
  return secret ? (await away(sessions.find(secret, Date.now())))?.email : undefined
}
