/** Where the script of the two pages about passkeys is. */
export const scriptPath = '/auth/passkey.js'

/** Runs in browsers. It asks authenticators, and shows what went wrong as text. */
export const passkeyScript = `'use strict'
async function ask(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: { accept: 'application/json', ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  const answer = response.status === 204 ? {} : await response.json()
  if (!response.ok) throw new Error(answer.detail || 'That did not work.')
  return answer
}
const acts = {
  async signIn() {
    const { publicKey } = await ask('POST', '/auth/passkey/options')
    const credential = await navigator.credentials.get({
      publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey),
    })
    const { next } = await ask('POST', '/auth/passkey', { credential: credential.toJSON() })
    location.assign(next)
  },
  async add() {
    const name = document.getElementById('name').value.trim() || 'Passkey'
    const { publicKey } = await ask('POST', '/auth/passkeys/options')
    const credential = await navigator.credentials.create({
      publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey),
    })
    await ask('POST', '/auth/passkeys', { name, credential: credential.toJSON() })
    location.reload()
  },
  async remove({ id }) {
    await ask('DELETE', '/auth/passkeys/' + id)
    location.reload()
  },
}
document.addEventListener('click', async event => {
  const button = event.target.closest('button[data-act]')
  if (!button) return
  const said = document.getElementById('said')
  said.textContent = ''
  button.disabled = true
  try {
    if (!('PublicKeyCredential' in window) || !PublicKeyCredential.parseRequestOptionsFromJSON) {
      throw new Error('This browser is too old for passkeys: sign in by mail, or update it.')
    }
    await acts[button.dataset.act](button)
  } catch (error) {
    said.textContent =
      error.name === 'NotAllowedError' ? 'No passkey was used: try again, or sign in by mail.' : error.message
    button.disabled = false
  }
})
`
