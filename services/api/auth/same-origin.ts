/**
 * Whether a request that changes something comes from a page of ours, by the browser's own word: `Sec-Fetch-Site`, and from
 * browsers that don't send it, `Origin`. Siblings under one domain are strangers. A request with neither comes from no browser
 * that has our cookies (https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html#fetch-metadata-headers).
 */
export function isSameOrigin(
  headers: { readonly [name: string]: string | string[] | undefined },
  publicUrl: URL,
): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  return headers.origin === publicUrl.origin
}
