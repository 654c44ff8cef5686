import { findProvider } from './providers/table.ts'
import type { SchemeConfig } from './scheme.ts'
import type { SignatureDescriptor } from './verify/descriptor.ts'
import { type KeyForm, keyFormTexts } from './verify/key.ts'

export interface SecretVariant {
  readonly config: SchemeConfig
  readonly sentence: string
}

/** The ways in which a right secret is written or read wrongly. */
export function* secretVariants(secret: string, config: SchemeConfig): Generator<SecretVariant> {
  const rewritten: [string, string][] = [
    [secret.trim(), 'The secret matches without the blanks or newline around it: store it without them.'],
    [`${secret}\n`, 'The secret matches with a newline behind it: the sender has stored one.'],
    [secret.replace(/^(["'])(.*)\1$/s, '$2'), 'The secret matches without the quotation marks around it.'],
    [
      Buffer.from(secret, 'base64').toString(),
      'The secret matches decoded from base64: it was encoded once too often, as happens with Kubernetes Secrets.',
    ],
    [
      Buffer.from(secret).toString('base64'),
      'The secret matches encoded as base64: it was decoded once too often.',
    ],
  ]
  const invisible = invisibleIn(secret)
  if (invisible.size > 0) {
    rewritten.push([
      [...secret].filter(char => !invisible.has(char)).join(''),
      `The secret matches without the invisible ${[...invisible].map(codePoint).join(', ')} in it: copy it again, or type its first and last characters.`,
    ])
  }
  for (const [text, sentence] of rewritten) {
    if (text !== secret && text !== '') yield { config: { ...config, secrets: [text] }, sentence }
  }
  const scheme = findProvider(config.provider)?.scheme
  if (scheme?.kind === 'signature') yield* readOtherwise(secret, config, scheme)
}

/** Characters that show nothing or a blank: those that Unicode calls ignorable, controls, and blanks. */
const invisibleCharacter = /^[\p{Default_Ignorable_Code_Point}\p{C}\p{Z}\s\u2800]$/u

function invisibleIn(secret: string): ReadonlySet<string> {
  return new Set([...secret].filter(char => invisibleCharacter.test(char)))
}

function codePoint(char: string): string {
  return `U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`
}

const otherForms: readonly KeyForm[] = ['utf8', 'base64', 'whsec', 'hex']

/** The same text with another key form, through the custom scheme: a provider's own form can't be changed. */
function* readOtherwise(
  secret: string,
  config: SchemeConfig,
  scheme: SignatureDescriptor,
): Generator<SecretVariant> {
  if (!scheme.algorithm.startsWith('hmac-')) return
  for (const key of otherForms) {
    if (key === (scheme.key ?? 'utf8')) continue
    const { id, ...rest } = scheme
    const custom = { ...rest, key, ...(id && { id: { header: id } }) }
    yield {
      config: { provider: 'custom', secrets: [secret], scheme: custom },
      sentence: `The secret matches when it is ${keyFormTexts[key]}; as ${config.provider} it is ${keyFormTexts[scheme.key ?? 'utf8']}. The sender signs as another provider does.`,
    }
  }
}
