import { readFileSync, writeFileSync } from 'node:fs'
import { type SigningRule, signingRules } from '@fairlead/console/app/simulator/sign-by-rule'
import type { Provider } from '@fairlead/webhook/providers/provider'
import { allProviders } from '@fairlead/webhook/providers/table'

/*
 * What the console knows of providers, from the rows that verify requests: how each is set up, and how its simulator signs.
 * `node checks/console-providers.ts --write` makes the file again; the test beside this file fails on any difference.
 */

const file = new URL('../services/console/gen/providers.json', import.meta.url)

/** The file's text. */
export function consoleProviders(): string {
  return `${JSON.stringify(allProviders().map(present), null, 1)}\n`
}

export const writtenConsoleProviders = (): string => readFileSync(file, 'utf8')

function present(row: Provider) {
  return {
    name: row.name,
    title: row.title,
    documentation: row.documentation,
    copy: row.copy,
    options: row.options ?? [],
    handshake: row.handshake?.text ?? null,
    retries: row.retries,
    notes: row.notes ?? [],
    sample: { contentType: 'application/json', headers: {}, ...row.sample },
    /** Headers and the member of the body that name an event: made anew for each request. */
    idHeaders: (row.identity.id ?? []).flatMap(rule => ('header' in rule ? [rule.header] : [])),
    idMember: idMemberOf(row),
    signs: signsOf(row),
  }
}

function idMemberOf(row: Provider): string | null {
  const rule = row.identity.id?.[0]
  return rule && 'member' in rule && !rule.member.includes('.') ? rule.member : null
}

/** Forms that a key made for the simulator can have. */
const keyForms = ['utf8', 'html', 'hex', 'base64', 'whsec', 'whsec-or-utf8', 'base64-after-underscore']
/** Forms of public keys, whose private halves are made in the browser. */
const publicForms = ['ed25519-hex', 'ed25519-base64', 'whpk', 'spki-base64']
/** Options that a demo source can be given: the others name what only the provider has. */
const demoOptions = ['acceptUnsigned', 'apiKey']

type SignatureRow = Extract<Provider['scheme'], { kind: 'signature' }>
type JwtRow = Extract<Provider['scheme'], { kind: 'jwt' }>

/** How a browser signs as the provider does; or why it can't. */
function signsOf(row: Provider) {
  const signs = signsByScheme(row)
  const missing = row.options?.find(({ name, required }) => required && !demoOptions.includes(name))
  return missing && signs.kind !== 'not here'
    ? notHere(`A source of ${row.title} needs ${missing.name}: ${missing.text}.`)
    : signs
}

/** Of those that the console signs by a rule of its own: what the signature protects. */
const protects = {
  mailgun: { signsBody: false, signsUrl: false },
  'microsoft-graph': { signsBody: false, signsUrl: false },
  twilio: { signsBody: true, signsUrl: true },
} as const satisfies Readonly<Record<SigningRule, object>>

const isRule = (name: string): name is SigningRule => signingRules.some(rule => rule === name)

function signsByScheme({ name, scheme, title }: Provider) {
  switch (scheme.kind) {
    case 'unsigned':
      return { kind: 'unsigned' }
    case 'token': {
      const place = scheme.places[0]!
      return 'header' in place
        ? { kind: 'token', header: place.header, scheme: place.scheme ?? null }
        : notHere(`${title} sends its secret in the address.`)
    }
    case 'jwt':
      return signsJwt(scheme, title)
    case 'signature':
      return signsSignature(scheme, title)
    case 'code':
      if (isRule(name)) return { kind: 'rule', rule: name, ...protects[name] } as const
      return scheme.text.key.startsWith('the certificate at')
        ? notHere(`Trust comes from hosts of ${title}, by ${scheme.text.key}: nobody else can sign.`)
        : notHere(`${title} signs by rules that only the receiver has: ${scheme.text.content}.`)
    default:
      return scheme satisfies never
  }
}

const notHere = (why: string) => ({ kind: 'not here', why }) as const

function signsSignature(scheme: SignatureRow, title: string) {
  const { content, key = 'utf8', algorithm, encoding, headers, prefix, pair, id, timestamp } = scheme
  if (![...keyForms, ...publicForms].includes(key)) {
    return notHere(`Only ${title} has the key that signs its requests.`)
  }
  return {
    kind: 'signature',
    algorithm,
    key,
    encoding: encoding === 'hex-any-case' ? 'hex' : encoding,
    header: headers[0]!.replace('{n}', '1'),
    prefix: prefix ?? '',
    pair: pair ?? null,
    idHeader: id ?? null,
    time: timestamp ?? null,
    content,
  }
}

function signsJwt(
  { algorithms, header, bearer, issuers, issuerOption, bodyHash, url }: JwtRow,
  title: string,
) {
  if (!algorithms.includes('HS256')) {
    return notHere(`Trust comes from hosts of ${title}, which publish its keys: nobody else can sign.`)
  }
  return {
    kind: 'jwt',
    header,
    bearer: bearer ?? false,
    issuer: issuers?.[0] ?? null,
    issuerOption: issuerOption ?? null,
    bodyHash: bodyHash ? { claim: bodyHash.claim, encoding: bodyHash.encoding } : null,
    url: url ?? null,
  }
}

if (process.argv.includes('--write')) writeFileSync(file, consoleProviders())
