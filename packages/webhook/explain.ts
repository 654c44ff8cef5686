import { bodyVariants } from './explain-bodies.ts'
import { openPace, type Pace } from './explain-pace.ts'
import { secretVariants } from './explain-secrets.ts'
import { urlVariants } from './explain-urls.ts'
import { noKeyFetch, openScheme } from './open.ts'
import { signsUrl } from './providers/signs-url.ts'
import { allProviders, findProvider } from './providers/table.ts'
import type { InvalidVerdict, KeyFetch, SchemeConfig, Verdict, WebhookRequest } from './scheme.ts'
import { headerText } from './verify/header.ts'
import { SchemeError } from './verify/scheme-error.ts'

/*
 * Why was this request refused? The reason comes from the scheme itself; the cause is found by trying: the usual
 * mistakes are undone one at a time, and the one that makes the signature match is the cause. Nothing here tells what
 * the right signature would have been, and only members of the organization may ask: told to anyone, "it would match
 * without the newline" is an oracle.
 */

export type CauseKind =
  | 'clock'
  | 'other_source'
  | 'secret_form'
  | 'body_altered'
  | 'url_differs'
  | 'header_missing'
  | 'other_provider'
  | 'label_unknown'
  | 'encoding'
  | 'configuration'
  | 'unknown'

export interface Cause {
  readonly kind: CauseKind
  /** A sentence for people, with the remedy where there is a clear one. */
  readonly sentence: string
  /** The source whose secret or scheme matches, with `other_source`. */
  readonly source?: string
}

export interface Explanation {
  /** Absent where the source itself is configured so that nothing can be verified. */
  readonly verdict?: Verdict
  /** The likeliest first; empty for a valid request. */
  readonly causes: readonly Cause[]
}

/** Another source of the same organization. */
export interface OtherSource {
  readonly name: string
  readonly config: SchemeConfig
}

/** The most candidates that are tried, so that an explanation takes milliseconds. */
const maxOthers = 100
/** Bytes that one explanation may hash: large bodies are tried with fewer changes. */
const budgetBytes = 32 * 1024 * 1024
/** Fixed cost of a trial, in bytes of hashing. */
const trialBytes = 16 * 1024

/**
 * Explains a refused request.
 *
 * @param others further sources of the same organization, whose secrets may have been mixed up
 * @param nowMs when the request was received, Unix milliseconds
 * @param keys as for openScheme; without it a scheme with published keys is explained no further
 * @param pace how long it may take, and when it yields to other work; default 1 s in slices of 5 ms
 */
export async function explain(
  request: WebhookRequest,
  config: SchemeConfig,
  others: readonly OtherSource[],
  nowMs: number,
  keys: KeyFetch = noKeyFetch,
  pace: Pace = openPace(),
): Promise<Explanation> {
  const tried = await tryVerify(request, config, nowMs, keys)
  if (tried instanceof SchemeError) return { causes: [{ kind: 'configuration', sentence: tried.message }] }
  if (tried.kind === 'valid') return { verdict: tried, causes: [] }
  const trials = openTrials(nowMs, keys, pace)
  const causes = await causesOf(tried, request, config, others.slice(0, maxOthers), trials.isSigned)
  if (causes.length > 0) return { verdict: tried, causes }
  return { verdict: tried, causes: [trials.cut() ? cutCause : unknownCause(tried)] }
}

async function causesOf(
  refusal: InvalidVerdict,
  request: WebhookRequest,
  config: SchemeConfig,
  others: readonly OtherSource[],
  isSigned: IsSigned,
): Promise<Cause[]> {
  switch (refusal.reason) {
    case 'timestamp_out_of_tolerance':
      return [clockCause(refusal)]
    case 'signature_missing':
    case 'timestamp_missing':
      return [
        ...otherProviderCauses(request, config),
        ...(await otherSourceCauses(request, config, others, isSigned)),
        missingCause(refusal),
      ]
    case 'signature_malformed':
      return malformedCauses(refusal, request, config)
    case 'signature_mismatch':
    case 'body_hash_mismatch':
    case 'claims_invalid': {
      const matches = (changed: Partial<WebhookRequest>, secrets = config.secrets) =>
        isSigned({ ...request, ...changed }, { ...config, secrets })
      const mixedUp = await otherSecretCauses(config, others, matches)
      return [
        ...(mixedUp.length > 0 ? mixedUp : await otherSourceCauses(request, config, others, isSigned)),
        ...(await secretCauses(request, config, isSigned)),
        ...(await bodyCauses(request, matches)),
        ...(await urlCauses(request, config, matches)),
      ]
    }
    default:
      return []
  }
}

async function tryVerify(
  request: WebhookRequest,
  config: SchemeConfig,
  nowMs: number,
  keys: KeyFetch,
): Promise<Verdict | SchemeError> {
  try {
    return await openScheme(config, keys).verify(request, nowMs)
  } catch (error) {
    if (error instanceof SchemeError) return error
    throw error
  }
}

/** Whether the signature matches, at any time. Always false once the bytes or the time are used up. */
type IsSigned = (request: WebhookRequest, config: SchemeConfig) => Promise<boolean>

interface Trials {
  readonly isSigned: IsSigned
  /** Whether a candidate was left untried. */
  cut(): boolean
}

function openTrials(nowMs: number, keys: KeyFetch, pace: Pace): Trials {
  let leftBytes = budgetBytes
  let isCut = false
  return {
    async isSigned(request, config) {
      leftBytes -= (request.body.byteLength + trialBytes) * Math.max(1, config.secrets.length)
      isCut ||= leftBytes < 0 || !(await pace.goOn())
      if (isCut) return false
      const tolerant = { ...config, toleranceSeconds: { past: null, future: null } }
      const tried = await tryVerify(request, tolerant, nowMs, keys)
      if (tried instanceof SchemeError) return false
      return tried.kind === 'valid' || tried.reason === 'timestamp_out_of_tolerance'
    },
    cut: () => isCut,
  }
}

const cutCause: Cause = {
  kind: 'unknown',
  sentence:
    'None of the causes that could be tried explains it. Not all were: the body is large, or the organization has many sources. Most likely the secret is another one: copy it again.',
}

type Matches = (changed: Partial<WebhookRequest>, secrets?: readonly string[]) => Promise<boolean>

function clockCause(refusal: InvalidVerdict): Cause {
  return {
    kind: 'clock',
    sentence: `The signature is right, but the request was ${refusal.detail ?? 'signed at another time'}. Either a clock is wrong, or the request was held up or sent again; if that is normal here, raise toleranceSeconds.`,
  }
}

function missingCause(refusal: InvalidVerdict): Cause {
  return {
    kind: 'header_missing',
    sentence: `The request isn’t signed: ${refusal.detail ?? 'its time is missing'}. Either it doesn’t come from the provider, the provider has no secret set yet, or a proxy drops the header.`,
  }
}

/** Providers whose signature header the request has, where the source's own provider's is missing. */
function otherProviderCauses(request: WebhookRequest, config: SchemeConfig): Cause[] {
  const found = allProviders().filter(row => {
    if (row.name === config.provider || row.scheme.kind !== 'signature') return false
    return row.scheme.headers.some(name => headerText(request.headers, name) !== undefined)
  })
  if (found.length === 0) return []
  const names = found.slice(0, 4).map(row => row.title)
  return [
    {
      kind: 'other_provider',
      sentence: `The request is signed as by ${names.join(' or ')}: is the source’s provider right?`,
    },
  ]
}

function malformedCauses(refusal: InvalidVerdict, request: WebhookRequest, config: SchemeConfig): Cause[] {
  const scheme = findProvider(config.provider)?.scheme
  if (scheme?.kind !== 'signature') return []
  const text =
    scheme.headers.map(name => headerText(request.headers, name)).find(value => value !== undefined) ?? ''
  const label = scheme.pair ? `${scheme.pair.name}=` : (scheme.prefix ?? '')
  if (label !== '' && !text.includes(label)) {
    const found = [...text.matchAll(/\b([A-Za-z]\w{0,15})[=,]/g)].map(match => match[1]).slice(0, 5)
    const only = found.length > 0 ? `only ${[...new Set(found)].join(', ')}` : 'none of its labels'
    return [
      {
        kind: 'label_unknown',
        sentence: `The header holds ${only}, and no ${label.replace(/[=,]$/, '')}: other versions are never accepted.`,
      },
    ]
  }
  const sentence = encodingSentence(text.slice(text.lastIndexOf(label) + label.length), scheme.encoding)
  return [
    {
      kind: 'encoding',
      sentence: sentence ?? `The signature can’t be read: ${refusal.detail ?? 'it is malformed'}.`,
    },
  ]
}

function encodingSentence(signature: string, encoding: string): string | undefined {
  if (encoding === 'hex' && /^[0-9A-Fa-f]+$/.test(signature) && /[A-F]/.test(signature)) {
    return 'The signature is written in upper-case hexadecimal; this provider writes lower case.'
  }
  if (encoding.startsWith('hex') && /^[0-9a-f]+$/i.test(signature)) {
    return 'The signature is hexadecimal, but not of the length that this provider writes: it was cut, or is another algorithm’s.'
  }
  if (encoding.startsWith('hex') && /^[A-Za-z0-9+/_-]+=*$/.test(signature)) {
    return 'The signature is base64; this provider writes hexadecimal, of a fixed length.'
  }
  if (encoding.startsWith('base64') && /^[0-9a-f]+$/i.test(signature)) {
    return 'The signature is hexadecimal; this provider writes base64.'
  }
  return undefined
}

async function otherSecretCauses(
  config: SchemeConfig,
  others: readonly OtherSource[],
  matches: Matches,
): Promise<Cause[]> {
  for (const other of others) {
    for (const secret of other.config.secrets) {
      if (config.secrets.includes(secret) || !(await matches({}, [secret]))) continue
      return [
        {
          kind: 'other_source',
          source: other.name,
          sentence: `The secret of the source ${other.name} matches: two secrets, or two URLs, have been mixed up.`,
        },
      ]
    }
  }
  return []
}

async function otherSourceCauses(
  request: WebhookRequest,
  own: SchemeConfig,
  others: readonly OtherSource[],
  isSigned: IsSigned,
): Promise<Cause[]> {
  for (const { name, config } of others) {
    const kind = findProvider(config.provider)?.scheme.kind
    if (kind === 'unsigned' || (kind === undefined && config.provider !== 'custom')) continue
    // The secrets of sources of the same provider have been tried already.
    if (config.provider === own.provider && config.provider !== 'custom' && !config.options) continue
    if (!(await isSigned(request, config))) continue
    return [
      {
        kind: 'other_source',
        source: name,
        sentence: `The request is right for the source ${name} (${config.provider}): the provider posts to another source’s URL.`,
      },
    ]
  }
  return []
}

async function secretCauses(
  request: WebhookRequest,
  config: SchemeConfig,
  isSigned: IsSigned,
): Promise<Cause[]> {
  for (const secret of config.secrets) {
    for (const variant of secretVariants(secret, config)) {
      if (!(await isSigned(request, variant.config))) continue
      return [{ kind: 'secret_form', sentence: variant.sentence }]
    }
  }
  return []
}

async function bodyCauses(request: WebhookRequest, matches: Matches): Promise<Cause[]> {
  for (const { body, sentence } of bodyVariants(request)) {
    if (await matches({ body })) return [{ kind: 'body_altered', sentence }]
  }
  return []
}

async function urlCauses(request: WebhookRequest, config: SchemeConfig, matches: Matches): Promise<Cause[]> {
  if (!isUrlSigned(config)) return []
  for (const { url, sentence } of urlVariants(request.url)) {
    if (await matches({ url })) return [{ kind: 'url_differs', sentence }]
  }
  if (/^https?:\/\//i.test(request.url)) return []
  return [
    {
      kind: 'url_differs',
      sentence:
        'This provider signs the URL that it posts to, but only the path is known: set the source’s option publicUrl to the URL that the provider has.',
    },
  ]
}

function isUrlSigned({ provider }: SchemeConfig): boolean {
  const row = findProvider(provider)
  return row ? signsUrl(row) : provider === 'custom'
}

function unknownCause(refusal: InvalidVerdict): Cause {
  const sentences: Partial<Record<InvalidVerdict['reason'], string>> = {
    signature_mismatch:
      'No configured secret matches, no other source’s does, and none of the usual changes of the body explains it. Most likely the secret is another one: copy it again.',
    body_hash_mismatch:
      'The token is right, but the body isn’t the one that was signed: something changed it on its way.',
    key_unknown:
      'The key that signed isn’t among the known ones: another account’s or environment’s, or a forgery.',
    key_unavailable: 'The provider’s keys can’t be fetched now.',
    certificate_untrusted:
      'The certificate isn’t the provider’s own: a forgery, unless a proxy changes headers.',
    algorithm_not_allowed: 'The request asks for an algorithm that this provider doesn’t use.',
    body_unreadable: 'The body isn’t what this provider sends.',
  }
  const sentence = sentences[refusal.reason] ?? 'The request isn’t one that this provider would send.'
  return { kind: 'unknown', sentence: refusal.detail ? `${sentence} (${refusal.detail})` : sentence }
}
