import type { Request, Response, Router } from 'express'
import { escapeHtml } from '../../html.ts'
import { ApiError, problems } from '../../problem.ts'
import { enter } from '../enter.ts'
import { fieldOf, named, readForm } from '../form.ts'
import { homePath } from '../landing.ts'
import { away } from '../link/serve-link.ts'
import { type Page, sendPage } from '../pages/page.ts'
import type { SignIn } from '../sign-in.ts'
import type { TenantAccounts } from './accounts.ts'
import { completeRegistration } from './register.ts'

/**
 * The page behind the link of a registration's mail. It changes nothing, and asks for the password that was chosen: a mail scanner that
 * presses its button knows none.
 */
export function serveTenants(router: Router, signIn: SignIn, accounts: TenantAccounts): void {
  router.get('/tenants/verify', named('verifyTenantPage'), (request, response) => {
    const { token } = request.query
    sendPage(response, 200, verifyPage({ token: typeof token === 'string' ? token : '' }))
  })
  router.post('/tenants/verify', named('verifyTenantByForm'), ...readForm, (request, response) =>
    complete(signIn, accounts, request, response),
  )
}

async function complete(
  signIn: SignIn,
  accounts: TenantAccounts,
  request: Request,
  response: Response,
): Promise<void> {
  const { peer, requestId } = response.locals
  const from = { peer, requestId, agent: (request.get('user-agent') ?? '').slice(0, 300) }
  const token = fieldOf(request, 'token') ?? ''
  const slug = fieldOf(request, 'slug')
  const proof = { token, password: fieldOf(request, 'password') ?? '', ...(slug && { slug }) }
  try {
    const { email } = await completeRegistration(signIn, accounts, proof, from)
    await away(enter(signIn, { email, method: 'password' }, request, response))
    response.redirect(303, homePath)
  } catch (error) {
    if (!(error instanceof ApiError) || !(error.code === 'sign_in_refused' || error.code === 'conflict'))
      throw error
    response.locals.code = error.code
    const page = { token, said: error.message, asksSlug: error.code === 'conflict' }
    sendPage(response, problems[error.code][0], verifyPage(page))
  }
}

interface Shown {
  readonly token: string
  readonly said?: string
  readonly asksSlug?: boolean
}

const verifyPage = ({ token, said, asksSlug }: Shown): Page => ({
  title: 'Confirm your address',
  body: `${said ? `<p role="alert">${escapeHtml(said)}</p>` : '<p>Type the password that you chose when you registered. Your organization is made then.</p>'}
<form method="post" action="/auth/tenants/verify">
<input type="hidden" name="token" value="${escapeHtml(token)}">
${
  asksSlug
    ? `<label for="slug">Another slug</label>
<input id="slug" name="slug" maxlength="63" autocomplete="off">`
    : ''
}
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<button>Confirm</button>
</form>`,
})
