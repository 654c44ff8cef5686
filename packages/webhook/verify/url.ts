import type { SignatureDescriptor } from './descriptor.ts'

/**
 * The forms of the public URL that a provider may have signed. As received comes first; the others are only
 * spellings of the same address, never another host or path.
 */
export function urlCandidates(kind: SignatureDescriptor['urls'], url: string): readonly string[] {
  if (kind === undefined) return [url]
  const decoded = decodeAsHubSpot(url)
  return decoded === url ? [url] : [url, decoded]
}

// HubSpot's documentation asks for these to be decoded before hashing; its own SDK leaves that to the caller.
// https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
const hubSpotDecoded: Readonly<Record<string, string>> = {
  '%3A': ':',
  '%2F': '/',
  '%3F': '?',
  '%40': '@',
  '%21': '!',
  '%24': '$',
  '%27': "'",
  '%28': '(',
  '%29': ')',
  '%2A': '*',
  '%2C': ',',
  '%3B': ';',
}

function decodeAsHubSpot(url: string): string {
  return url.replace(/%[0-9A-Fa-f]{2}/g, text => hubSpotDecoded[text.toUpperCase()] ?? text)
}
