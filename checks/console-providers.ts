import { readFileSync, writeFileSync } from 'node:fs'
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

/** How a browser signs as the provider does; or why it can't. */
function signsOf(row: Provider) {
  const { scheme } = row
  if (row.options?.some(({ required }) => required)) {
    return { kind: 'not here', why: `A source of ${row.title} needs more than a secret.` }
  }
  if (scheme.kind === 'token') {
    const place = scheme.places[0]!
    return 'header' in place
      ? { kind: 'token', header: place.header, scheme: place.scheme ?? null }
      : { kind: 'not here', why: `${row.title} sends its secret in the address.` }
  }
  if (scheme.kind !== 'signature' || !scheme.algorithm.startsWith('hmac-')) {
    return {
      kind: 'not here',
      why: `Only ${row.title} has the key that signs its requests, or its own hosts vouch.`,
    }
  }
  const { content, key = 'utf8', algorithm, encoding, headers, prefix, pair, id, timestamp } = scheme
  if (content.includes('{url}') || !keyForms.includes(key)) {
    return { kind: 'not here', why: `${row.title} signs more than a browser knows here.` }
  }
  return {
    kind: 'hmac',
    hash: algorithm.replace('hmac-sha', 'SHA-'),
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

if (process.argv.includes('--write')) writeFileSync(file, consoleProviders())
