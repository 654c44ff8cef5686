import { X509Certificate } from 'node:crypto'

/**
 * Builds and checks a certificate chain up to a trusted root. Node has no public verifier for chains, so this is
 * RFC 5280's path validation for what a provider's signing certificate needs: each issuer is a CA, has signed the
 * next, and is in date; the leaf is for an allowed name. Not looked at: revocation, name constraints, policies.
 */

/** A bundle with more certificates than this is refused unread. */
const maxCertificates = 10
/** Leaf, intermediates and root together. */
const maxDepth = 6

export type ChainVerdict =
  | { readonly kind: 'trusted'; readonly leaf: X509Certificate }
  | { readonly kind: 'untrusted'; readonly detail: string }

/** @param pem the leaf first, then its intermediates in any order */
export function checkChain(
  pem: string,
  roots: readonly X509Certificate[],
  isAllowedName: (name: string) => boolean,
  nowMs: number,
): ChainVerdict {
  const certificates = readCertificates(pem)
  const leaf = certificates?.[0]
  if (!certificates || !leaf) return untrusted('the certificate can’t be read')
  if (!namesOf(leaf).some(isAllowedName)) return untrusted('the certificate is for another name')
  let current = leaf
  for (let depth = 1; depth < maxDepth; depth++) {
    if (!isInDate(current, nowMs))
      return untrusted('a certificate of the chain has expired or isn’t valid yet')
    const root = roots.find(candidate => isIssuedBy(current, candidate))
    if (root) {
      return isInDate(root, nowMs) ? { kind: 'trusted', leaf } : untrusted('the chain’s root has expired')
    }
    const issuer = certificates.find(candidate => candidate !== current && isIssuedBy(current, candidate))
    if (!issuer) return untrusted('the chain doesn’t end in a trusted root')
    current = issuer
  }
  return untrusted('the chain is too long')
}

function untrusted(detail: string): ChainVerdict {
  return { kind: 'untrusted', detail }
}

/** Certificates of a PEM bundle, in order; undefined where one of them can't be read or there are too many. */
export function readCertificates(pem: string): X509Certificate[] | undefined {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0 || blocks.length > maxCertificates) return undefined
  try {
    return blocks.map(block => new X509Certificate(block))
  } catch {
    return undefined
  }
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

function isInDate(certificate: X509Certificate, nowMs: number): boolean {
  return Date.parse(certificate.validFrom) <= nowMs && nowMs <= Date.parse(certificate.validTo)
}

/** The DNS names a certificate is for: its subjectAltName, or where that is missing its common name. */
function namesOf(certificate: X509Certificate): string[] {
  const alternatives = certificate.subjectAltName
  if (alternatives !== undefined) {
    return alternatives
      .split(', ')
      .flatMap(name => (name.startsWith('DNS:') ? [name.slice(4).toLowerCase()] : []))
  }
  const common = certificate.subject.split('\n').find(part => part.startsWith('CN='))
  return common ? [common.slice(3).toLowerCase()] : []
}

/** Whether a host is a domain or lies under it: `api.paypal.com` under `paypal.com`, `paypal.com.evil.example` not. */
export function isUnderDomain(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`)
}

/** Parses roots once, on first use: 150 certificates take some milliseconds. */
export function openRoots(pems: readonly string[]): () => readonly X509Certificate[] {
  let parsed: readonly X509Certificate[] | undefined
  return () => {
    parsed ??= pems.flatMap(pem => readCertificates(pem) ?? [])
    return parsed
  }
}
