import type { Request, Response, Router } from 'express'
import { isFresh } from '../../fresh-proof.ts'
import { ApiError } from '../../problem.ts'
import { fieldOf, named, readForm } from '../form.ts'
import { rememberPage } from '../landing.ts'
import { sendPage } from '../pages/page.ts'
import { personOf } from '../people.ts'
import { requireSession } from '../sessions/serve-account.ts'
import type { FoundSession } from '../sessions/sessions.ts'
import type { SignIn } from '../sign-in.ts'
import type { TenantAccounts } from './accounts.ts'
import { changePassword, isByMail } from './change-password.ts'
import { changeBy } from './enter.ts'
import { forgottenPage, passwordPage, passwordSetPage } from './pages.ts'
import { fromOf, showAgain } from './refused-form.ts'

const ownPath = '/auth/account/password'

/** Setting another password: with the one before, or after a sign-in by mail. */
export function servePassword(router: Router, signIn: SignIn, accounts: TenantAccounts): void {
  router.get('/tenants/forgotten', named('forgottenPasswordPage'), (_request, response) => {
    // Whoever signs in by the mail comes to the page that sets another.
    rememberPage(signIn, ownPath, response)
    sendPage(response, 200, forgottenPage)
  })
  router.get('/account/password', named('passwordPage'), async (request, response) => {
    const member = await requireMember(signIn, request, response)
    if (member) sendPage(response, 200, passwordPage(member))
  })
  router.post('/account/password', named('changePasswordByForm'), ...readForm, (request, response) =>
    change(signIn, accounts, request, response),
  )
}

async function change(
  signIn: SignIn,
  accounts: TenantAccounts,
  request: Request,
  response: Response,
): Promise<void> {
  const member = await requireMember(signIn, request, response)
  if (!member) return
  const currentPassword = fieldOf(request, 'currentPassword')
  const newPassword = fieldOf(request, 'newPassword') ?? ''
  try {
    const { endedSessions } = await changePassword(signIn, accounts, {
      person: member.person,
      wanted: { newPassword, ...(currentPassword && { currentPassword }) },
      change: changeBy(member.email, fromOf(request, response)),
    })
    response.append('set-cookie', signIn.cookies.clear('landing'))
    sendPage(response, 200, passwordSetPage(endedSessions))
  } catch (error) {
    showAgain(response, error, said => passwordPage({ ...member, said }))
  }
}

/** Who isn't signed in goes to the page for that: undefined then. Throws an ApiError `forbidden` for staff. */
async function requireMember(signIn: SignIn, request: Request, response: Response) {
  const session = await requireSession(signIn, request, response)
  if (!session) return undefined
  const nowMs = Date.now()
  const person = await personOf(signIn.store, signIn.staff, session, nowMs)
  if (person.staff || person.memberships.size === 0) {
    throw new ApiError(
      'forbidden',
      'Members of an organization have passwords; staff of the platform has none.',
    )
  }
  return { person, email: session.email, asksCurrent: !isProvedByMail(session, person, nowMs) }
}

const isProvedByMail = (
  session: FoundSession,
  person: Parameters<typeof isFresh>[0],
  nowMs: number,
): boolean => isByMail(session) && isFresh(person, nowMs)
