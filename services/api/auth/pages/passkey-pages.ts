import { timestampDate } from '@bufbuild/protobuf/wkt'
import type { Passkey } from '@fairlead/wire/store/passkey'
import { escapeHtml } from '../../html.ts'
import { passkeyIdOf } from '../passkeys/credential-id.ts'
import { scriptPath } from '../passkeys/script.ts'
import type { Page } from './page.ts'

const said = '<p id="said" role="alert"></p>'
const needsName = `<p>This platform is reached by an address, and passkeys are bound to a name: give FAIRLEAD_CONSOLE_URL a name.</p>`

export const passkeyPage = (isPossible: boolean): Page => ({
  title: 'Sign in with a passkey',
  script: scriptPath,
  body: `<p>For staff of the platform who have added one.</p>
${isPossible ? '<button type="button" data-act="signIn">Use a passkey</button>' : needsName}
${said}
<p><a href="/auth/sign-in">Sign in by mail</a></p>`,
})

export const passkeysPage = (passkeys: readonly Passkey[], isPossible: boolean): Page => ({
  title: 'Your passkeys',
  script: scriptPath,
  body: `<p>${
    passkeys.length === 0
      ? 'You have none: mail signs you in. Once you add one, mail signs you in no more.'
      : 'They sign you in, and mail does no more. Add a second one, for the day the first is lost.'
  }</p>
<table><tr><th>Name</th><th>Added</th><th>Last used</th><th></th></tr>
${passkeys.map(passkeyRow).join('\n')}
</table>
${
  isPossible
    ? `<label for="name">Name of a new one</label>
<input id="name" maxlength="100" placeholder="Laptop"><button type="button" data-act="add">Add a passkey</button>`
    : needsName
}
${said}
<p><a href="/auth/account">Your sessions</a></p>`,
})

function passkeyRow({ credentialId, name, createdAt, lastUsedAt }: Passkey): string {
  const day = (at: typeof createdAt) => (at ? `${timestampDate(at).toISOString().slice(0, 16)} UTC` : 'never')
  return `<tr><td>${escapeHtml(name)}</td><td>${day(createdAt)}</td><td>${day(lastUsedAt)}</td>
<td><button class="quiet" type="button" data-act="remove" id="${passkeyIdOf(credentialId)}">Remove</button></td></tr>`
}
