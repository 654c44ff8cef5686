import { createHash, createHmac, type KeyObject, verify as verifyWithKey } from 'node:crypto'
import type { SchemeConfig, Verdict, WebhookRequest } from '../scheme.ts'
import { equal } from './compare.ts'
import { decode, encodedLength } from './decode.ts'
import { type Algorithm, hashAlgorithms, hmacAlgorithms, type SignatureDescriptor } from './descriptor.ts'
import { eachItem, eachPair, headerText } from './header.ts'
import { openKey } from './key.ts'
import { scanMember } from './members.ts'
import { SchemeError } from './scheme-error.ts'
import { checkTimestamp, type TimestampRule, toleranceOf } from './timestamp.ts'
import { urlCandidates } from './url.ts'
import { invalid } from './verdict.ts'

/*
 * The generic function over descriptors, in the order of a request:
 *   read the header(s) → candidates → fill in the signed text → one digest for each secret → compare with each
 *   candidate → only then look at the clock
 * All that can be prepared is prepared when a source is opened.
 */

export type Verify = (request: WebhookRequest, nowMs: number) => Verdict

/** More signatures than this in one request are not tried with a public key: each costs some 100 µs. */
const maxPublicKeyCandidates = 16

const noTolerance: TimestampRule = { unit: 's', past: null, future: null }

/** @throws SchemeError where the configured secrets can't be keys of this scheme */
export function openSignature(row: SignatureDescriptor, config: SchemeConfig): Verify {
  if (row.otherBrand) return openBrands(row, row.otherBrand, config)
  const scheme = withChosenAlgorithm(row, config)
  const check = openCheck(scheme, config)
  const readText = openContent(scheme)
  const headers = scheme.headers.flatMap(expandHeader)
  const isUrlSigned = scheme.content.includes('{url}')
  const expected = Object.entries(scheme.expects ?? {})
  const rule = scheme.timestamp ? toleranceOf(scheme.timestamp, config.toleranceSeconds) : noTolerance

  return (request, nowMs) => {
    const found = readCandidates(scheme, headers, request)
    if (found.present === false) return invalid('signature_missing', `no header ${headers[0]}`)
    for (const [name, text] of expected) {
      if (headerText(request.headers, name) === text) continue
      return invalid('algorithm_not_allowed', `${name} must be ${text}`)
    }
    const id = scheme.id === undefined ? '' : headerText(request.headers, scheme.id)
    if (id === undefined) return invalid('signature_missing', `no header ${scheme.id}`)
    const timestamp = readTimestamp(scheme, found, request)
    if (timestamp === undefined) return invalid('timestamp_missing')
    if (found.candidates.length === 0) return invalid('signature_malformed', expectation(scheme))

    // Only a scheme that signs the URL reads it: reading makes the verdict name the URL that was tried.
    for (const url of isUrlSigned ? urlCandidates(scheme.urls, request.url) : ['']) {
      const secret = check(found.candidates, secretText => readText(request, url, id, timestamp, secretText))
      if (secret === undefined) continue
      if (secret < 0) return invalid('signature_malformed', expectation(scheme))
      const refusal = scheme.timestamp && checkTimestamp(timestamp, rule, nowMs)
      return refusal ?? { kind: 'valid', secret, ...(isUrlSigned && { url }) }
    }
    return invalid('signature_mismatch')
  }
}

/** The same scheme under two sets of header names: which of them a request has decides. */
function openBrands(
  { otherBrand: _other, ...scheme }: SignatureDescriptor,
  { from, to }: NonNullable<SignatureDescriptor['otherBrand']>,
  config: SchemeConfig,
): Verify {
  const rename = (name: string) => name.replace(from, to)
  const place = scheme.timestamp
  const renamed: SignatureDescriptor = {
    ...scheme,
    headers: scheme.headers.map(rename),
    ...(scheme.id && { id: rename(scheme.id) }),
    ...(place && 'header' in place && { timestamp: { ...place, header: rename(place.header) } }),
  }
  const [first, second] = [openSignature(scheme, config), openSignature(renamed, config)]
  const isHere = (one: SignatureDescriptor, request: WebhookRequest) =>
    one.headers.some(name => headerText(request.headers, name) !== undefined)
  return (request, nowMs) =>
    (!isHere(scheme, request) && isHere(renamed, request) ? second : first)(request, nowMs)
}

/** Only a source's own configuration chooses an algorithm; a request never does. */
export function withChosenAlgorithm(scheme: SignatureDescriptor, config: SchemeConfig): SignatureDescriptor {
  const name = scheme.algorithmOption
  const chosen = name === undefined ? undefined : config.options?.[name]
  if (chosen === undefined) return scheme
  const family =
    [hmacAlgorithms, hashAlgorithms].find(list => list.some(item => item === scheme.algorithm)) ?? []
  const algorithm = family.find(item => item === chosen)
  if (algorithm) return { ...scheme, algorithm }
  throw new SchemeError(
    'option_invalid',
    config.provider,
    `The option ${name} of ${config.provider} must be one of ${family.join(', ')}.`,
  )
}

function expectation(scheme: SignatureDescriptor): string {
  const label = scheme.pair ? `${scheme.pair.name}=` : (scheme.prefix ?? '')
  return `expected ${label}<${scheme.encoding}>`
}

interface Found {
  readonly present: boolean
  readonly candidates: readonly string[]
  /** The signed time, where it stands in the signature's own header. */
  readonly timestamp: string | undefined
}

function expandHeader(name: string): string[] {
  if (!name.includes('{n}')) return [name]
  return Array.from({ length: 100 }, (_, i) => name.replace('{n}', String(i + 1)))
}

function readCandidates(
  scheme: SignatureDescriptor,
  headers: readonly string[],
  request: WebhookRequest,
): Found {
  const candidates: string[] = []
  let present = false
  let timestamp: string | undefined
  const prefix = scheme.prefix ?? ''
  const optional = scheme.optionalPrefix
  const timePair = scheme.timestamp && 'pair' in scheme.timestamp ? scheme.timestamp.pair : undefined
  const take = (text: string): void => {
    if (optional !== undefined && text.startsWith(optional)) candidates.push(text.slice(optional.length))
    else if (prefix === '') candidates.push(text)
    else if (text.startsWith(prefix)) candidates.push(text.slice(prefix.length))
  }
  for (const name of headers) {
    const text = headerText(request.headers, name)
    if (text === undefined) continue
    present = true
    if (scheme.pair) {
      const pair = scheme.pair
      eachPair(text, pair.separator, (name, value) => {
        if (name === pair.name) take(value)
        else if (name === timePair) timestamp = value
      })
      // A header that stands twice, and Supabase's several signatures, are joined by `, `.
    } else if (scheme.list) eachItem(text, scheme.list, item => take(withoutComma(item)))
    else take(text)
  }
  return { present, candidates, timestamp }
}

function withoutComma(item: string): string {
  return item.endsWith(',') ? item.slice(0, -1) : item
}

function readTimestamp(
  scheme: SignatureDescriptor,
  found: Found,
  request: WebhookRequest,
): string | undefined {
  const place = scheme.timestamp
  if (!place) return ''
  if ('pair' in place) return found.timestamp
  if ('header' in place) return headerText(request.headers, place.header)
  // The whole body is searched: Linear's time is its last member but one.
  return scanMember(request.body, place.member.split('.'))
}

/** A piece of the signed text: what is known beforehand is joined, the body's bytes are never made a string. */
type Piece = string | Uint8Array
type ReadText = (
  request: WebhookRequest,
  url: string,
  id: string,
  timestamp: string,
  secret: string,
) => Piece[]

function openContent(scheme: SignatureDescriptor): ReadText {
  return (request, url, id, timestamp, secret) => {
    const pieces: Piece[] = []
    let text = ''
    for (const part of scheme.content) {
      switch (part) {
        case '{body}':
          if (text !== '') pieces.push(text)
          text = ''
          pieces.push(request.body)
          break
        case '{timestamp}':
          text += timestamp
          break
        case '{id}':
          text += id
          break
        case '{url}':
          text += url
          break
        case '{method}':
          text += request.method
          break
        case '{secret}':
          text += secret
          break
        default:
          text += part
      }
    }
    if (text !== '') pieces.push(text)
    return pieces
  }
}

/** The index of the secret that matches; -1 where no candidate is even a signature; undefined where none matches. */
type Check = (candidates: readonly string[], text: (secret: string) => Piece[]) => number | undefined

function openCheck(scheme: SignatureDescriptor, config: SchemeConfig): Check {
  if (config.secrets.length === 0) {
    throw new SchemeError('secret_missing', config.provider, `A source of ${config.provider} needs a secret.`)
  }
  switch (scheme.algorithm) {
    case 'ed25519':
    case 'ecdsa-sha256':
    case 'rsa-sha256':
      return openPublicKeyCheck(scheme, config)
    default:
      return openDigestCheck(scheme, config)
  }
}

const digestBytes: Readonly<Record<string, number>> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 }

function openDigestCheck(scheme: SignatureDescriptor, config: SchemeConfig): Check {
  const isHmac = scheme.algorithm.startsWith('hmac-')
  const hash = scheme.algorithm.replace('hmac-', '')
  const length = encodedLength(digestBytes[hash]!, scheme.encoding)
  const secrets = config.secrets.map(text => ({
    text,
    key: isHmac ? openKey(text, scheme.key ?? 'utf8', config.provider) : undefined,
  }))
  return (candidates, text) => {
    const signatures: Uint8Array[] = []
    for (const candidate of candidates) {
      if (candidate.length !== length) continue
      const signature = decode(candidate, scheme.encoding)
      if (signature) signatures.push(signature)
    }
    if (signatures.length === 0) return -1
    for (let index = 0; index < secrets.length; index++) {
      const secret = secrets[index]!
      const digest = secret.key ? createHmac(hash, secret.key) : createHash(hash)
      for (const piece of text(secret.text)) digest.update(piece)
      const expected = digest.digest()
      for (const signature of signatures) if (equal(expected, signature)) return index
    }
    return undefined
  }
}

function openPublicKeyCheck(scheme: SignatureDescriptor, config: SchemeConfig): Check {
  const keys = config.secrets.map(text => openPublicKey(text, scheme, config.provider))
  const digest = scheme.algorithm === 'ed25519' ? null : 'sha256'
  return (candidates, text) => {
    const signatures = candidates.flatMap(candidate => decode(candidate, scheme.encoding) ?? [])
    if (signatures.length === 0) return -1
    const data = Buffer.concat(
      text('').map(piece => (typeof piece === 'string' ? Buffer.from(piece) : piece)),
    )
    for (const [index, key] of keys.entries()) {
      for (const signature of signatures.slice(0, maxPublicKeyCandidates)) {
        if (verifyWithKey(digest, data, key, signature)) return index
      }
    }
    return undefined
  }
}

const keyTypes: Readonly<Partial<Record<Algorithm, string>>> = {
  ed25519: 'ed25519',
  'ecdsa-sha256': 'ec',
  'rsa-sha256': 'rsa',
}

function openPublicKey(text: string, scheme: SignatureDescriptor, provider: string): KeyObject {
  const key = openKey(text, scheme.key ?? 'pem', provider)
  if (key.asymmetricKeyType === keyTypes[scheme.algorithm]) return key
  throw new SchemeError(
    'secret_undecodable',
    provider,
    `The public key of ${provider} is of the kind ${key.asymmetricKeyType}; ${scheme.algorithm} is needed.`,
  )
}
