/** Where the script of the page behind the printed link is. */
export const printedScriptPath = '/auth/printed.js'

/**
 * Runs in browsers. Takes the token from the fragment of the address, which no request, log or referrer has, into the form, and out of
 * the address bar and the history. It sends nothing: that is for the button.
 */
export const printedScript = `'use strict'
function take() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  if (!token) return
  const field = document.getElementById('token')
  field.value = token
  field.type = 'hidden'
  document.querySelector('label[for=token]').hidden = true
  history.replaceState(null, '', location.pathname)
}
take()
addEventListener('hashchange', take)
`
