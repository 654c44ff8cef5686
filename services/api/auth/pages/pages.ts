import { escapeHtml } from '../../html.ts'
import { deviceOf } from '../device.ts'
import { printedScriptPath } from '../link/printed-script.ts'
import type { Ticket } from '../link/tickets.ts'
import type { KeptMail } from '../mail/kept.ts'
import type { SessionRecord } from '../sessions/record.ts'
import type { Page } from './page.ts'

const askForm = `<form method="post" action="/auth/request-magic-link">
<label for="email">E-mail address</label>
<input id="email" name="email" type="email" autocomplete="username" required autofocus>
<button>Send me a link</button>
</form>`

const codeForm = `<form method="post" action="/auth/verify">
<label for="code">Code from the mail</label>
<input id="code" class="code" name="code" inputmode="numeric" pattern="[0-9]{6}" maxlength="6" autocomplete="one-time-code" required>
<button>Sign in with the code</button>
</form>`

/**
 * @param oidcName what the other way of signing in is called; undefined: there is none
 * @param has whether staff may sign in by a passkey, and members by a password, on pages of their own
 */
export const askPage = (
  oidcName: string | undefined,
  has: { readonly passkeys: boolean; readonly passwords: boolean },
): Page => ({
  title: 'Sign in',
  body: `<p>A link and a code come by mail. ${has.passwords ? 'No password is asked for here.' : 'There are no passwords.'}</p>
${askForm}
${
  has.passwords
    ? `<p><a href="/auth/tenants/login">Sign in with a password</a></p>
<p><a href="/auth/tenants/register">Register an organization</a></p>`
    : ''
}
${oidcName ? `<p><a href="/auth/oidc">Sign in with ${escapeHtml(oidcName)}</a></p>` : ''}
${has.passkeys ? '<p><a href="/auth/passkey">Staff: sign in with a passkey</a></p>' : ''}`,
})

/** The same for every address. */
export const askedPage: Page = {
  title: 'Look at your mail',
  body: `<p>If this address may sign in here, a mail is on its way. Open its link in this browser, or type its code here.</p>
${codeForm}
<p><a href="/auth/sign-in">Ask again</a></p>`,
}

/** One button; nothing happens without it. */
export const confirmPage = (token: string, email: string): Page => ({
  title: 'Sign in',
  body: `<form method="post" action="/auth/verify">
<input type="hidden" name="token" value="${escapeHtml(token)}">
<p>Sign in as <b>${escapeHtml(email)}</b>?</p>
<button>Sign in as ${escapeHtml(email)}</button>
</form>`,
})

/** The same for whoever opens it: its script reads the token where only the browser has it. Without scripts it is typed. */
export const confirmPrintedPage: Page = {
  title: 'Sign in',
  script: printedScriptPath,
  body: `<form method="post" action="/auth/printed">
<p>Sign in as the owner of this platform?</p>
<label for="token">What stands behind <code>#token=</code> in the link</label>
<input id="token" name="token" autocomplete="off" required>
<button>Sign in as the owner</button>
</form>`,
}

export const otherBrowserPage = ({ agent, peer, askedAtMs }: Ticket): Page => ({
  title: 'Continue in the browser that asked',
  body: `<p>This sign-in was asked for with ${escapeHtml(deviceOf(agent))}, from ${escapeHtml(peer)}, at
${new Date(askedAtMs).toISOString()}. Nobody is signed in here.</p>
<p>Open the link in that browser, or type the mail's six-digit code there. If it wasn't you who asked, do nothing.</p>
<p><a href="/auth/sign-in">Sign in here instead</a></p>`,
})

export const endedPage: Page = {
  title: 'This link or code is no longer good',
  body: `<p>It was used, it has ended, or it is not the newest one. Ask for a new one:</p>
${askForm}`,
}

/** The proof by mail was right, and is too little for this person. */
export const passkeyNeededPage: Page = {
  title: 'Sign in with your passkey',
  body: `<p>You have a passkey, so mail alone does not sign you in. Whoever lost all passkeys asks another superadmin to remove them.</p>
<p><a href="/auth/passkey">Use a passkey</a></p>`,
}

export const messagePage = (title: string, text: string): Page => ({
  title,
  body: `<p>${escapeHtml(text)}</p><p><a href="/auth/sign-in">Sign in</a></p>`,
})

export interface Account {
  readonly email: string
  readonly isStaff: boolean
  /** Whether members may have a password here. */
  readonly hasPasswords: boolean
  /** Which of the sessions looks. */
  readonly sessionId: string
}

export const accountPage = (
  { email, isStaff, hasPasswords, sessionId }: Account,
  sessions: readonly SessionRecord[],
): Page => ({
  title: 'Your sessions',
  body: `<p>Signed in as <b>${escapeHtml(email)}</b>.</p>
<table><tr><th>Device</th><th>From</th><th>Last seen</th><th></th></tr>
${sessions.map(session => sessionRow(session, sessionId)).join('\n')}
</table>
${isStaff ? '<p><a href="/auth/account/passkeys">Your passkeys</a></p>' : ''}
${hasPasswords && !isStaff ? '<p><a href="/auth/account/password">Set a new password</a></p>' : ''}
<form method="post" action="/auth/logout"><button>Sign out</button></form>`,
})

function sessionRow({ id, agent, peer, seenAtMs }: SessionRecord, ownId: string): string {
  const end = `<form method="post" action="/auth/account/end">
<input type="hidden" name="session" value="${escapeHtml(id)}"><button class="quiet">End</button></form>`
  return `<tr><td>${escapeHtml(deviceOf(agent))}</td><td>${escapeHtml(peer)}</td>
<td>${new Date(seenAtMs).toISOString().slice(0, 16)} UTC</td><td>${id === ownId ? 'this one' : end}</td></tr>`
}

export const mailsPage = (mails: readonly KeptMail[]): Page => ({
  title: 'Mails',
  body: `<p>No mail server is configured, so mails are kept here, the newest first, until Fairlead stops.</p>
${mails.length === 0 ? '<p>There is none.</p>' : mails.map(mailBlock).join('\n')}`,
})

/** Links of ours can be clicked; everything else is text. */
function mailBlock({ at, to, subject, text }: KeptMail): string {
  const linked = escapeHtml(text).replaceAll(/^https?:\/\/\S+$/gm, link => `<a href="${link}">${link}</a>`)
  return `<h2>${escapeHtml(subject)}</h2><small>To ${escapeHtml(to)}, ${at.toISOString()}</small><pre>${linked}</pre>`
}

interface Invited {
  readonly id: string
  readonly email: string
  readonly role: string
  readonly invitedBy: string
  readonly organization: { readonly displayName: string }
}

/** Who is signed in as the invited address gets a button; others a form that sends a link to that address. */
export const invitationPage = (invited: Invited, isSignedIn: boolean): Page => ({
  title: `Join ${invited.organization.displayName}`,
  body: `<p><b>${escapeHtml(invited.invitedBy)}</b> invites <b>${escapeHtml(invited.email)}</b> to the organization
<b>${escapeHtml(invited.organization.displayName)}</b>, as ${escapeHtml(invited.role)}.</p>
${
  isSignedIn
    ? `<form method="post" action="/auth/invitation">
<input type="hidden" name="invitation" value="${escapeHtml(invited.id)}"><button>Join</button></form>`
    : `<p>To accept, sign in as this address: that leads back here.</p>
<form method="post" action="/auth/request-magic-link">
<input type="hidden" name="email" value="${escapeHtml(invited.email)}"><button>Send a sign-in link to ${escapeHtml(invited.email)}</button></form>`
}`,
})

export const deviceAskPage = (isWrong: boolean): Page => ({
  title: 'Sign in a tool',
  body: `${isWrong ? '<p>No tool waits under this code: it has ended, or was typed wrong.</p>' : ''}
<form method="get" action="/auth/device">
<label for="user_code">Code that the tool shows</label>
<input id="user_code" class="code" name="user_code" maxlength="12" autocomplete="off" required autofocus>
<button>Go on</button>
</form>`,
})

export const deviceConfirmPage = (
  userCode: string,
  email: string,
  { agent, peer }: { readonly agent: string; readonly peer: string },
): Page => ({
  title: 'Sign in a tool?',
  body: `<p>${escapeHtml(deviceOf(agent))}, from ${escapeHtml(peer)}, asks to act as <b>${escapeHtml(email)}</b>.</p>
<p>Agree only if you have just run it yourself, and its terminal shows <b>${escapeHtml(userCode)}</b>.</p>
<form method="post" action="/auth/device">
<input type="hidden" name="user_code" value="${escapeHtml(userCode)}">
<button name="decision" value="approve">Sign it in as ${escapeHtml(email)}</button>
<button name="decision" value="deny">Refuse it</button>
</form>`,
})
