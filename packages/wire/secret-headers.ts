/**
 * Headers whose value is the secret itself, so that whoever reads it could sign or sign in with it, by lower-case name.
 * Signatures are no secrets, and are what a reader looks for.
 */
export const secretHeader = /^(proxy-)?authorization$|^(set-)?cookie2?$|token|secret|password|api-?key/

/** Stands where the value of such a header was. */
export const redacted = '[redacted]'
