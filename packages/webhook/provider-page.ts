import { type Provenance, type Provider, proofTexts, type SchemeDefinition } from './providers/provider.ts'
import { signsUrl } from './providers/signs-url.ts'
import { type IdRule, namedThings, repeatTexts } from './verify/identify.ts'
import type { IdentityRule } from './verify/identity-rule.ts'
import { keyFormTexts } from './verify/key.ts'
import type { TimestampRule } from './verify/timestamp.ts'

/** A provider's row of the table as a page for people, in Markdown. */
export function providerPage(row: Provider): string {
  const scheme = describeScheme(row.scheme)
  const options = [...(row.options ?? []), ...(signsUrl(row) ? [publicUrlOption] : [])]
  const facts: [string, string | undefined][] = [
    ['Name in a source', `\`${row.name}\``],
    ['What you copy', `${row.copy.what}: ${row.copy.where}`],
    ['Signature', scheme.where],
    ['Algorithm', scheme.algorithm],
    ['What is signed', scheme.content],
    ['Key', scheme.key],
    ['Time', scheme.time],
    ['Id', rulesText(row.identity.id) ?? 'none that tells events apart'],
    ['The id names', namedThings[row.identity.names]],
    ['Two requests are one event if they share', repeatsText(row.identity)],
    ['What tells two events apart', row.identity.apart],
    ['What a repeat keeps', row.identity.kept],
    ['Known from', row.identity.source.replace(/https:[^ ,]+/g, '<$&>')],
    ['Type of an event', rulesText(row.identity.type) ?? 'none'],
    ['Handshake', row.handshake?.text],
    ['Expected answer', answerText(row)],
    ['Retries', row.retries],
    ['Provider’s page', `<${row.documentation}>`],
  ]
  const table = facts.flatMap(([name, text]) => (text === undefined ? [] : [`| ${name} | ${cell(text)} |`]))
  return [
    `# ${row.title}`,
    ...(row.scheme.kind === 'unsigned' ? ['', unsignedWarning] : []),
    '',
    '| | |',
    '| --- | --- |',
    ...table,
    ...(options.length ? ['', '## Options', '', ...options.map(optionLine)] : []),
    ...(row.notes?.length ? ['', '## To know', '', ...row.notes.map(note => `- ${note}`)] : []),
    '',
    '## Source',
    '',
    '```yaml',
    ...sourceLines(row),
    '```',
    '',
    '## Where this comes from',
    '',
    ...provenanceLines(row.provenance),
    '',
  ].join('\n')
}

/** The list of all pages. */
export function providerIndex(rows: readonly Provider[]): string {
  const providers = rows.filter(row => row.variantOf === undefined).length
  const remembered = rows.filter(row => row.provenance.scheme === 'memory')
  return [
    '# Providers',
    '',
    `${providers} providers, ${rows.length} schemes. These pages are made from the same rows that verify requests: change those, not these.`,
    '',
    ...Object.entries(proofTexts).map(([word, text]) => `- **${word}**: ${text}.`),
    '',
    '| name | provider | proof | by |',
    '| --- | --- | --- | --- |',
    ...rows.map(
      row =>
        `| [${row.name}](${row.name}.md) | ${cell(row.title)} | ${row.provenance.scheme} | ${cell(row.provenance.by)} |`,
    ),
    '',
    `On memory alone rest ${remembered.map(row => row.name).join(', ')}: one request captured from each provider, with its secret, would settle it.`,
    '',
  ].join('\n')
}

/** Of a source of Fairlead; `@fairlead/webhook` alone is given the URL with each request. */
const publicUrlOption = {
  name: 'publicUrl',
  text: 'the URL that the provider was given, without its query, where proxies make it another one than the installation’s public URL and the source’s path: it is signed',
}

const unsignedWarning =
  '**This provider signs nothing.** Whoever knows the URL can post to it. A source of it works only with the option `acceptUnsigned: true`.'

interface SchemeText {
  readonly where: string
  readonly algorithm: string
  readonly content: string
  readonly key: string
  readonly time?: string
}

function describeScheme(scheme: SchemeDefinition): SchemeText {
  switch (scheme.kind) {
    case 'signature': {
      const label = scheme.pair ? `${scheme.pair.name}=` : (scheme.prefix ?? '')
      const several = scheme.list || scheme.pair || scheme.headers.length > 1 ? '; any may match' : ''
      return {
        where: `${scheme.headers.map(name => `header \`${name}\``).join(', ')}: \`${label}<${scheme.encoding}>\`${several}${scheme.orToken ? `; or header \`${scheme.orToken}\` with the secret itself` : ''}`,
        algorithm: scheme.algorithm,
        content: scheme.content.map(part => `\`${part}\``).join(' '),
        key: keyFormTexts[scheme.key ?? 'utf8'],
        time: scheme.timestamp ? timeText(scheme.timestamp) : 'none is signed',
      }
    }
    case 'token':
      return {
        where: scheme.places
          .map(place =>
            'query' in place
              ? `query value \`${place.query}\``
              : `header \`${place.header}\`${place.scheme ? `: ${place.scheme} …` : ''}`,
          )
          .join(' or '),
        algorithm: 'a shared token, compared in constant time',
        content: 'nothing: the body isn’t protected',
        key: 'the text as you chose it',
      }
    case 'jwt':
      return {
        where: `header \`${scheme.header}\`${scheme.bearer ? ': Bearer …' : ''}${scheme.orSigned ? `; or, without it, header \`${scheme.orSigned.header}\`` : ''}`,
        algorithm: `JWT, only ${scheme.algorithms.join(', ')}${scheme.orSigned ? `; without one ${scheme.orSigned.text}` : ''}`,
        content: scheme.bodyHash
          ? `the body’s SHA-256 in the claim \`${scheme.bodyHash.claim}\` (${scheme.bodyHash.encoding})`
          : 'nothing of the body',
        key: scheme.published ? 'published by the provider, by key id' : keyFormTexts.utf8,
        time: `${scheme.required.length > 0 ? scheme.required.join(', ') : 'exp, nbf, iat where present'}; clocks may differ by ${scheme.leewaySeconds} s${scheme.maxAgeSeconds ? `; at most ${scheme.maxAgeSeconds} s old` : ''}`,
      }
    case 'code':
      return scheme.text
    case 'unsigned':
      return { where: 'none', algorithm: 'none', content: 'nothing', key: 'none' }
    default:
      return scheme satisfies never
  }
}

const units = { s: 'Unix seconds', ms: 'Unix milliseconds', iso: 'RFC 3339' } as const

function timeText(rule: NonNullable<Extract<SchemeDefinition, { kind: 'signature' }>['timestamp']>): string {
  const place =
    'header' in rule
      ? `header \`${rule.header}\``
      : 'pair' in rule
        ? `\`${rule.pair}=\` of the same header`
        : `body member \`${rule.member}\``
  return `${place}, ${units[rule.unit]}; ${boundText(rule)}`
}

function boundText({ past, future }: TimestampRule): string {
  if (past === null && future === null) return 'not bounded, unless the source sets toleranceSeconds'
  const ahead = future === null ? 'ahead not bounded' : `at most ${future} s ahead`
  return `${past === null ? 'age not bounded' : `at most ${past} s old`}, ${ahead}`
}

function repeatsText({ repeats, id, withoutId }: Provider['identity']): string {
  const rest = id?.length && withoutId === 'body' ? '; without an id the same body' : ''
  return `${repeatTexts[repeats]}${rest}`
}

function rulesText(rules: readonly IdRule[] | undefined): string | undefined {
  if (!rules?.length) return undefined
  const names = [...new Set(rules.flatMap(namesOf))].map(name => `\`${name}\``).join(', ')
  // Rules that rename the text they find differ in its place alone: they share a line.
  const texts = rules.map(entry => entryText(entry).replaceAll(namePlace, `${names}, by what the body holds`))
  return [...new Set(texts)].join(', else ')
}

const namePlace = '{name}'

function namesOf(entry: IdRule): string[] {
  const rule = 'rule' in entry ? entry.rule : entry
  const parts = 'join' in rule ? rule.join : [rule]
  return parts.flatMap(part => ('as' in part && part.as !== undefined ? [part.as] : []))
}

function entryText(entry: IdRule): string {
  if (!('rule' in entry)) return ruleText(entry)
  return entry.repeats === 'id-and-body' ? `${ruleText(entry.rule)} with the body` : ruleText(entry.rule)
}

function ruleText(rule: IdentityRule): string {
  if ('join' in rule) {
    return rule.join.map(part => `${ruleText(part)}${part.optional ? ' (if there)' : ''}`).join(' + ')
  }
  if ('header' in rule) return `header \`${rule.header}\``
  if ('form' in rule) {
    return `form field \`${rule.form}\`${rule.member === undefined ? '' : `, in its JSON \`${rule.member}\``}`
  }
  if ('member' in rule) return rule.as === undefined ? `body \`${rule.member}\`` : namePlace
  if ('find' in rule) return rule.text
  return `the body’s first name other than ${rule.firstNameExcept.map(name => `\`${name}\``).join(', ')}`
}

function answerText({ answer }: Provider): string {
  return answer.timeoutSeconds === undefined
    ? answer.text
    : `${answer.text}; within ${answer.timeoutSeconds} s`
}

function optionLine({ name, required, text }: NonNullable<Provider['options']>[number]): string {
  return `- \`${name}\`${required ? ' (required)' : ''}: ${text}`
}

function sourceLines(row: Provider): string[] {
  const hasSecret =
    !['paypal', 'aws-sns', 'google-pubsub-oidc', 'plaid'].includes(row.name) && row.scheme.kind !== 'unsigned'
  const required = row.options?.filter(option => option.required) ?? []
  const values = required.map(option => `${option.name}: ${option.name === 'acceptUnsigned' ? 'true' : '…'}`)
  return [
    `- name: ${row.name}`,
    `  provider: ${row.name}`,
    ...(hasSecret ? ['  secrets:', `    - secretRef: { name: acme-${row.name}, key: secret }`] : []),
    ...(values.length > 0 ? [`  options: { ${values.join(', ')} }`] : []),
  ]
}

const provenanceTexts = {
  run: 'The scheme is compared with running code:',
  vectors: 'The scheme agrees with fixed requests:',
  read: 'The scheme was read, not run:',
  memory: 'The scheme rests on memory:',
} as const

function provenanceLines({ scheme, by, fromMemory }: Provenance): string[] {
  const rest = fromMemory?.length
    ? [`From memory, and never checked: ${fromMemory.map(fact => factNames[fact]).join(', ')}.`]
    : []
  return [`${provenanceTexts[scheme]} ${by}.`, ...rest]
}

const factNames = {
  retries: 'retries',
  answer: 'the expected answer',
  handshake: 'the handshake',
  identity: 'where id and type stand',
  copy: 'where the secret stands on the provider’s pages',
} as const

/** `|` would end a table's cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
