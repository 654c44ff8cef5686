import type { Provider } from '../providers/provider.ts'
import type { SchemeConfig } from '../scheme.ts'
import { algorithms, type SignatureDescriptor } from './descriptor.ts'
import { type IdentityRules, repeatTexts } from './identify.ts'
import type { IdentityRule } from './identity-rule.ts'
import type { JwtAlgorithm, JwtDescriptor } from './jwt.ts'
import { type KeyForm, keyFormTexts } from './key.ts'
import { SchemeError } from './scheme-error.ts'

/**
 * A user's own scheme as data, which becomes a row like any provider's:
 *
 *   header: x-partner-signature            # or headers: [several]; any may match
 *   algorithm: hmac-sha256                 # hmac-…, sha1, sha256, ed25519, ecdsa-sha256, rsa-sha256, token, jwt-hs256 …
 *   encoding: hex                          # hex | hex-any-case | base64 | base64url
 *   key: utf8                              # how the secret's text becomes a key; default utf8, pem for public keys
 *   prefix: "sha256="                      # list: " ", pair: { separator: ",", name: v1 }
 *   content: ["{timestamp}", ".", "{body}"]
 *   timestamp: { header: x-partner-time, unit: s, past: 300, future: 300 }
 *   id: { header: x-partner-id }           # for de-duplication; with {id} in content it is signed too
 *   type: { member: event.type }           # events.*.type: of each element
 *   repeats: id                            # id-and-body | body | none: what makes two requests one event
 *   tests: [ … ]                           # vectors, which `fairlead scheme test` and a source's check run
 *
 * @throws SchemeError `scheme_missing` or `scheme_invalid`, naming the field
 */
export function customProvider(config: SchemeConfig): Provider {
  if (config.scheme === undefined) {
    throw new SchemeError('scheme_missing', 'custom', 'A source of the provider custom needs a scheme.')
  }
  const fields = asRecord(config.scheme, 'scheme')
  const identity = readIdentity(fields)
  return {
    name: 'custom',
    title: 'Custom scheme',
    documentation: 'docs/custom-scheme.md',
    copy: { what: 'The shared secret or public key', where: 'As agreed with the sender' },
    scheme: readScheme(fields, identity),
    identity: { ...identity, apart: 'as the sender does', kept: 'as the sender does', source: 'memory' },
    answer: { text: '2xx' },
    retries: 'as the sender does',
    sample: { body: '{"id":"evt_1","type":"example.created"}' },
    provenance: { scheme: 'read', by: 'the source’s own definition' },
  }
}

function readScheme(fields: Fields, identity: IdentityRules): Provider['scheme'] {
  const algorithm = text(fields.algorithm, 'algorithm')
  const headers = readHeaders(fields)
  if (algorithm === 'token') {
    const prefix = fields.prefix
    return {
      kind: 'token',
      places: headers.map(header => ({ header, ...(prefix === 'Bearer ' && { scheme: 'Bearer' as const }) })),
    }
  }
  if (algorithm.startsWith('jwt-')) return { kind: 'jwt', ...readJwt(fields, algorithm, headers[0]!) }
  return { kind: 'signature', ...readSignature(fields, algorithm, headers, identity) }
}

function readSignature(
  fields: Fields,
  algorithm: string,
  headers: readonly string[],
  identity: IdentityRules,
): SignatureDescriptor {
  const known = algorithms.find(item => item === algorithm)
  if (!known)
    throw fault('algorithm', `must be one of ${algorithms.join(', ')}, token, or jwt- and an algorithm`)
  const isPublic = known === 'ed25519' || known === 'ecdsa-sha256' || known === 'rsa-sha256'
  const content = list(fields.content ?? ['{body}'], 'content').map((part, i) => text(part, `content[${i}]`))
  const idHeader = identity.id?.flatMap(rule => ('header' in rule ? [rule.header] : []))[0]
  checkContent(content, fields, idHeader)
  const pair = fields.pair === undefined ? undefined : readPair(fields.pair)
  return {
    algorithm: known,
    key:
      fields.key === undefined
        ? isPublic
          ? 'pem'
          : 'utf8'
        : oneOf(fields.key, Object.keys(keyFormTexts) as KeyForm[], 'key'),
    encoding: oneOf(
      fields.encoding ?? 'hex',
      ['hex', 'hex-any-case', 'base64', 'base64url'] as const,
      'encoding',
    ),
    headers,
    ...(fields.prefix !== undefined && { prefix: text(fields.prefix, 'prefix') }),
    ...(fields.list !== undefined && { list: oneOf(fields.list, [' ', ','] as const, 'list') }),
    ...(pair && { pair }),
    ...(content.includes('{id}') && { id: idHeader! }),
    ...(fields.timestamp !== undefined && { timestamp: readTimestamp(fields.timestamp) }),
    content,
  }
}

const placeholders = ['{body}', '{timestamp}', '{id}', '{url}', '{method}', '{secret}']

/** A scheme that signs nothing of the request, or a word that is no placeholder, is a mistake worth refusing. */
function checkContent(content: readonly string[], fields: Fields, idHeader: string | undefined): void {
  for (const part of content) {
    if (/^\{[a-z_]+\}$/i.test(part) && !placeholders.includes(part)) {
      throw fault('content', `holds ${part}; known are ${placeholders.join(' ')}`)
    }
  }
  if (!content.includes('{body}')) throw fault('content', 'must hold {body}: else the body could be anything')
  if (content.includes('{timestamp}') && fields.timestamp === undefined) {
    throw fault('content', 'holds {timestamp}, but there is no timestamp')
  }
  if (content.includes('{id}') && idHeader === undefined) {
    throw fault('content', 'holds {id}, but there is no id with a header')
  }
}

function readJwt(fields: Fields, algorithm: string, header: string): JwtDescriptor {
  const alg = oneOf(
    algorithm.slice('jwt-'.length).toUpperCase(),
    ['HS256', 'HS384', 'HS512', 'RS256', 'ES256'] as const,
    'algorithm',
  ) as JwtAlgorithm
  const bodyHash = fields.bodyHash === undefined ? undefined : asRecord(fields.bodyHash, 'bodyHash')
  return {
    header,
    algorithms: [alg],
    ...(fields.prefix === 'Bearer ' && { bearer: true }),
    ...(!alg.startsWith('HS') && { published: { options: ['jwks', 'certs'], request: () => undefined } }),
    ...(fields.issuer !== undefined && { issuers: [text(fields.issuer, 'issuer')] }),
    ...(bodyHash && {
      bodyHash: {
        claim: text(bodyHash.claim, 'bodyHash.claim'),
        encoding: oneOf(
          bodyHash.encoding ?? 'hex',
          ['hex', 'base64', 'base64url'] as const,
          'bodyHash.encoding',
        ),
      },
    }),
    required: [],
    leewaySeconds: 60,
  }
}

function readHeaders(fields: Fields): readonly string[] {
  const names = fields.headers === undefined ? [fields.header] : list(fields.headers, 'headers')
  if (names.length === 0) throw fault('headers', 'is empty')
  return names.map(name => headerName(name, 'header'))
}

function readPair(value: unknown): NonNullable<SignatureDescriptor['pair']> {
  const pair = asRecord(value, 'pair')
  return {
    separator: oneOf(pair.separator ?? ',', [',', ';'] as const, 'pair.separator'),
    name: text(pair.name, 'pair.name'),
  }
}

function readTimestamp(value: unknown): NonNullable<SignatureDescriptor['timestamp']> {
  const fields = asRecord(value, 'timestamp')
  const unit = oneOf(fields.unit ?? 's', ['s', 'ms', 'iso'] as const, 'timestamp.unit')
  const rule = { unit, past: bound(fields.past, 'past'), future: bound(fields.future, 'future') }
  if (fields.pair !== undefined) return { pair: text(fields.pair, 'timestamp.pair'), ...rule }
  if (fields.member !== undefined) return { member: text(fields.member, 'timestamp.member'), ...rule }
  return { header: headerName(fields.header, 'timestamp.header'), ...rule }
}

function bound(value: unknown, name: string): number | null {
  if (value === undefined) return 300
  if (value === null || (typeof value === 'number' && value >= 0)) return value
  throw fault(`timestamp.${name}`, 'must be a number of seconds, or null for no bound')
}

function readIdentity(fields: Fields): IdentityRules {
  const id = fields.id === undefined ? undefined : readRule(fields.id, 'id')
  const repeats = fields.repeats ?? (id ? 'id' : 'none')
  if (!id && (repeats === 'id' || repeats === 'id-and-body'))
    throw fault('repeats', 'asks for an id, but there is no id')
  return {
    names: id ? 'occurrence' : 'nothing',
    repeats: oneOf(repeats, Object.keys(repeatTexts) as (keyof typeof repeatTexts)[], 'repeats'),
    ...(id && { id: [id] }),
    ...(fields.type !== undefined && { type: [readRule(fields.type, 'type')] }),
  }
}

function readRule(value: unknown, name: string): IdentityRule {
  const rule = asRecord(value, name)
  if (rule.member !== undefined) return { member: text(rule.member, `${name}.member`) }
  if (rule.form !== undefined) return { form: text(rule.form, `${name}.form`) }
  return { header: headerName(rule.header, `${name}.header`) }
}

type Fields = Readonly<Record<string, unknown>>

function fault(field: string, problem: string): SchemeError {
  return new SchemeError('scheme_invalid', 'custom', `The custom scheme's ${field} ${problem}.`)
}

function asRecord(value: unknown, field: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw fault(field, 'must be an object')
}

function list(value: unknown, field: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw fault(field, 'must be a list')
}

function text(value: unknown, field: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw fault(field, 'must be a text')
}

function headerName(value: unknown, field: string): string {
  const name = text(value, field).toLowerCase()
  if (/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) return name
  throw fault(field, `must be a header's name, not ${JSON.stringify(name.slice(0, 100))}`)
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[], field: string): T {
  const found = allowed.find(item => item === value)
  if (found !== undefined) return found
  throw fault(field, `must be one of ${allowed.map(item => JSON.stringify(item)).join(', ')}`)
}
