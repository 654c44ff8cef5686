import { escapeHtml } from '../../html.ts'
import type { Page } from '../pages/page.ts'
import { leastCharacters } from './password-rules.ts'

/** Pages for whoever has a password, or wants one. What was typed stays, but for passwords; `said` is why it was refused. */

const alertOf = (said: string | undefined): string =>
  said ? `<p role="alert">${escapeHtml(said)}</p>\n` : ''

const emailField = (email: string): string => `<label for="email">E-mail address</label>
<input id="email" name="email" type="email" autocomplete="username" maxlength="320" value="${escapeHtml(email)}" required>`

const newPasswordField = (name: string): string => `<label for="${name}">New password</label>
<input id="${name}" name="${name}" type="password" autocomplete="new-password" minlength="${leastCharacters}" aria-describedby="rules" required>
<small id="rules">${leastCharacters} characters or more. Not one that others try first, and not made of your address or your organization.</small>`

interface Refused {
  readonly said?: string | undefined
}

export const loginPage = ({ email = '', said }: Refused & { readonly email?: string } = {}): Page => ({
  title: 'Sign in with a password',
  body: `${alertOf(said)}<form method="post" action="/auth/tenants/login">
${emailField(email)}
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button>Sign in</button>
</form>
<p><a href="/auth/tenants/forgotten">I forgot my password, or have none</a></p>
<p><a href="/auth/sign-in">Sign in by mail</a></p>
<p><a href="/auth/tenants/register">Register an organization</a></p>`,
})

export interface Registering extends Refused {
  readonly email?: string
  readonly slug?: string
  readonly displayName?: string
}

export const registerPage = ({ email = '', slug = '', displayName = '', said }: Registering = {}): Page => ({
  title: 'Register an organization',
  body: `${alertOf(said)}<form method="post" action="/auth/tenants/register">
<label for="displayName">Name of the organization</label>
<input id="displayName" name="displayName" autocomplete="organization" maxlength="100" value="${escapeHtml(displayName)}">
<label for="slug">Slug</label>
<input id="slug" name="slug" autocomplete="off" autocapitalize="none" maxlength="63" value="${escapeHtml(slug)}" aria-describedby="slugs" required>
<small id="slugs">Part of its webhook addresses, and never changes: small letters, digits and hyphens, as in acme-eu.</small>
${emailField(email)}
${newPasswordField('password')}
<button>Register</button>
</form>
<p><a href="/auth/tenants/login">I have an account</a></p>`,
})

/** The same for every address. */
export const registeredPage: Page = {
  title: 'Look at your mail',
  body: `<p role="status">A mail is on its way, if one may be sent to this address. Open its link within 24 hours, and type there the password that you just chose:
your organization is made then.</p>
<p><a href="/auth/tenants/register">Register again</a></p>`,
}

export const forgottenPage: Page = {
  title: 'Password forgotten',
  body: `<p>A mail signs you in. Then you set a new password, without the one before.</p>
<form method="post" action="/auth/request-magic-link">
${emailField('')}
<button>Send me a link</button>
</form>
<p><a href="/auth/tenants/login">Sign in with a password</a></p>`,
}

/** @param asksCurrent whether the password before is the proof, and not a sign-in by mail a moment ago */
export const passwordPage = ({
  email,
  asksCurrent,
  said,
}: Refused & { readonly email: string; readonly asksCurrent: boolean }): Page => ({
  title: 'Set a new password',
  body: `${alertOf(said)}<p>For <b>${escapeHtml(email)}</b>. All your other sessions end.</p>
<form method="post" action="/auth/account/password">
<input type="hidden" name="email" autocomplete="username" value="${escapeHtml(email)}">
${
  asksCurrent
    ? `<label for="currentPassword">Password until now</label>
<input id="currentPassword" name="currentPassword" type="password" autocomplete="current-password" required>
<p><a href="/auth/tenants/forgotten">I forgot it, or have none</a></p>`
    : ''
}
${newPasswordField('newPassword')}
<button>Set the password</button>
</form>
<p><a href="/auth/account">Your sessions</a></p>`,
})

export const passwordSetPage = (endedSessions: number): Page => ({
  title: 'The new password counts',
  body: `<p role="status">${endedSessions === 0 ? 'You had no other session.' : `${endedSessions} of your other sessions ended.`}</p>
<p><a href="/">Go on</a></p>`,
})
