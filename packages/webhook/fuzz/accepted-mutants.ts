import type { Provider } from '../providers/provider.ts'
import type { Mutant, Mutation } from './mutate.ts'

/*
 * The changed requests that a scheme may accept, each with its reason. Accepting any other is a fault.
 */

/** Schemes whose signature covers nothing of the body, or only some of it. */
const bodyNotCovered: Readonly<Record<string, string>> = {
  mailgun: 'only timestamp and token are signed',
  adyen: 'only eight fields are signed',
  'microsoft-graph': 'a token in the body; nothing is signed',
  'google-pubsub-oidc': 'the JWT covers nothing of the body',
  'aws-sns': 'fields are signed, not bytes',
  braintree: 'only bt_payload is signed, and the form may be written otherwise',
  twilio: 'form fields are signed decoded, sorted and without repetition',
  plivo: 'form fields are signed decoded and sorted',
}

/** Headers, beside those of the descriptor, that take part in a scheme made by code. */
const codeHeaders: Readonly<Record<string, readonly string[]>> = {
  twilio: ['x-twilio-signature'],
  plivo: ['x-plivo-signature-v3', 'x-plivo-signature-v3-nonce'],
  contentful: [
    'x-contentful-signature',
    'x-contentful-signed-headers',
    'x-contentful-timestamp',
    'x-contentful-topic',
    'content-type',
  ],
  adyen: [],
  mailgun: [],
  braintree: [],
  'microsoft-graph': [],
}

/** Why an accepted mutant may be accepted; undefined if there is no reason. */
export function reasonToAccept(row: Provider, change: Mutation, mutant: Mutant): string | undefined {
  const { scheme } = row
  if (scheme.kind === 'unsigned') return 'nothing is signed'
  switch (change.part) {
    case 'method':
      return signsMethod(row) ? undefined : 'the method isn’t signed'
    case 'url':
      return urlReason(row)
    case 'body':
      if (scheme.kind === 'token') return 'a token; nothing is signed'
      return bodyNotCovered[row.name]
    case 'header':
      return headerReason(row, change, mutant.header!)
    default:
      return change satisfies never
  }
}

function signsMethod({ name, scheme }: Provider): boolean {
  return name === 'contentful' || (scheme.kind === 'signature' && scheme.content.includes('{method}'))
}

function urlReason({ name, scheme }: Provider): string | undefined {
  if (scheme.kind === 'signature')
    return scheme.content.includes('{url}') ? undefined : 'the URL isn’t signed'
  if (scheme.kind === 'jwt')
    return scheme.url ? 'without an absolute URL there is nothing to compare' : 'the URL isn’t signed'
  if (name === 'twilio') return 'the port and the spelling of the query are tried in several forms'
  if (name === 'plivo') return 'the query is signed decoded and sorted'
  if (name === 'contentful') return 'only path and query are signed'
  return 'the URL isn’t signed'
}

function headerReason(
  row: Provider,
  change: Extract<Mutation, { part: 'header' }>,
  header: string,
): string | undefined {
  const { scheme } = row
  const repeated = change.kind === 'repeat'
  if (scheme.kind === 'signature') {
    const place = scheme.timestamp
    const isSignature = scheme.headers.some(name => header.startsWith(name.replace('{n}', '')))
    const isTime = place !== undefined && 'header' in place && place.header === header
    if (!isSignature && !isTime && scheme.id !== header) return 'this header takes no part'
    if (isSignature && (scheme.pair || scheme.list)) return 'a list: what isn’t a signature is passed over'
    if (isSignature && scheme.encoding === 'hex-any-case') return 'hexadecimal in any case'
    return undefined
  }
  const taking =
    scheme.kind === 'jwt'
      ? [scheme.header]
      : scheme.kind === 'token'
        ? tokenHeaders(row)
        : (codeHeaders[row.name] ?? [])
  if (!taking.includes(header)) return 'this header takes no part'
  if (scheme.kind === 'jwt' && !scheme.bearer) return 'Bearer may stand before the token'
  if (scheme.kind === 'jwt') return 'the blanks and the case of Bearer don’t matter'
  if (scheme.kind === 'token')
    return 'the blanks and the case of the scheme, or the padding of base64, don’t matter'
  if (row.name === 'plivo') return 'a list: any may match'
  if (row.name === 'contentful' && (header === 'x-contentful-signed-headers' || !repeated)) {
    return 'the list is sorted, and headers are trimmed'
  }
  return undefined
}

function tokenHeaders({ scheme }: Provider): readonly string[] {
  return scheme.kind === 'token'
    ? scheme.places.flatMap(place => ('header' in place ? [place.header] : []))
    : []
}
