import type { Request, Response, Router } from 'express'
import { escapeHtml } from '../../html.ts'
import { ApiError } from '../../problem.ts'
import { requireBody } from '../../request.ts'
import { readAddress } from '../address.ts'
import { enter } from '../enter.ts'
import { fieldOf, named, readForm } from '../form.ts'
import { homePath, land, rememberLanding } from '../landing.ts'
import { away } from '../link/serve-link.ts'
import { type Page, sendPage } from '../pages/page.ts'
import type { SignIn } from '../sign-in.ts'
import type { TenantAccounts } from './accounts.ts'
import { provePassword, requireUnchanged } from './log-in.ts'
import { loginPage, type Registering, registeredPage, registerPage } from './pages.ts'
import { fromOf, showAgain } from './refused-form.ts'
import { completeRegistration, register } from './register.ts'
import { registrationBody } from './registration-body.ts'
import { servePassword } from './serve-password.ts'

/**
 * Pages of tenant accounts for people. The page behind the link of a registration's mail changes nothing, and asks for the password that was
 * chosen: a mail scanner that presses its button knows none.
 */
export function serveTenants(router: Router, signIn: SignIn, accounts: TenantAccounts): void {
  router.get('/tenants/login', named('logInTenantPage'), (request, response) => {
    rememberLanding(signIn, request, response)
    sendPage(response, 200, loginPage())
  })
  router.post('/tenants/login', named('logInTenantByForm'), ...readForm, (request, response) =>
    logIn(signIn, accounts, request, response),
  )
  router.get('/tenants/register', named('registerTenantPage'), (_request, response) =>
    sendPage(response, 200, registerPage()),
  )
  router.post('/tenants/register', named('registerTenantByForm'), ...readForm, (request, response) =>
    begin(signIn, accounts, request, response),
  )
  servePassword(router, signIn, accounts)
  router.get('/tenants/verify', named('verifyTenantPage'), (request, response) => {
    const { token } = request.query
    sendPage(response, 200, verifyPage({ token: typeof token === 'string' ? token : '' }))
  })
  router.post('/tenants/verify', named('verifyTenantByForm'), ...readForm, (request, response) =>
    complete(signIn, accounts, request, response),
  )
}

async function logIn(
  signIn: SignIn,
  accounts: TenantAccounts,
  request: Request,
  response: Response,
): Promise<void> {
  const { peer } = response.locals
  const typed = fieldOf(request, 'email') ?? ''
  const email = readAddress(typed)
  try {
    if (!email) throw new ApiError('sign_in_refused', 'Give one e-mail address.')
    const password = fieldOf(request, 'password') ?? ''
    const { known } = await provePassword(signIn, accounts, { email, password }, peer)
    const sessionId = await away(enter(signIn, { email, method: 'password' }, request, response))
    await requireUnchanged(signIn, { email, sessionId, known }, peer)
    land(signIn, request, response)
  } catch (error) {
    showAgain(response, error, said => loginPage({ email: typed, said }))
  }
}

async function begin(
  signIn: SignIn,
  accounts: TenantAccounts,
  request: Request,
  response: Response,
): Promise<void> {
  const typed: Registering = Object.fromEntries(
    ['email', 'slug', 'displayName'].map(name => [name, (fieldOf(request, name) ?? '').trim()]),
  )
  const { displayName, ...others } = typed
  try {
    const password = fieldOf(request, 'password') ?? ''
    const given = { ...others, password, ...(displayName && { displayName }) }
    const wanted = requireBody(registrationBody, given)
    await register(signIn, accounts, wanted, fromOf(request, response))
    sendPage(response, 202, registeredPage)
  } catch (error) {
    showAgain(response, error, said => registerPage({ ...typed, said }))
  }
}

async function complete(
  signIn: SignIn,
  accounts: TenantAccounts,
  request: Request,
  response: Response,
): Promise<void> {
  const token = fieldOf(request, 'token') ?? ''
  const slug = fieldOf(request, 'slug')
  const proof = { token, password: fieldOf(request, 'password') ?? '', ...(slug && { slug }) }
  try {
    const { email } = await completeRegistration(signIn, accounts, proof, fromOf(request, response))
    await away(enter(signIn, { email, method: 'password' }, request, response))
    response.redirect(303, homePath)
  } catch (error) {
    const asksSlug = error instanceof ApiError && error.code === 'conflict'
    showAgain(response, error, said => verifyPage({ token, said, asksSlug }))
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
