import { rootCertificates } from 'node:tls'
import type { OtherSignature, Provider, SchemeTools } from './providers/provider.ts'
import { findProvider, nearestProvider } from './providers/table.ts'
import type { KeyFetch, Scheme, SchemeConfig, Verdict, WebhookRequest } from './scheme.ts'
import { customProvider } from './verify/custom.ts'
import { runCustomTests } from './verify/custom-tests.ts'
import type { SignatureDescriptor } from './verify/descriptor.ts'
import { headerText } from './verify/header.ts'
import { openIdentify } from './verify/identify.ts'
import { type JwtDescriptor, openJwt } from './verify/jwt.ts'
import { SchemeError } from './verify/scheme-error.ts'
import { openSignature } from './verify/signature.ts'
import { openToken } from './verify/token.ts'

/** For schemes opened where nothing may be fetched: every key has to be in the configuration. */
export const noKeyFetch: KeyFetch = async url => {
  throw new Error(`keys aren't fetched here (${url})`)
}

/**
 * Opens a source's signature scheme: keys are decoded, rules compiled, so that a request costs only its digest.
 *
 * @param keys fetches what a provider publishes (PayPal, SNS, Google, Plaid); asked only by those
 * @param roots PEM certificates that a provider's chain may end in; default: those that Node ships
 * @throws SchemeError with a `code`, where the configuration can't work
 */
export function openScheme(
  config: SchemeConfig,
  keys: KeyFetch = noKeyFetch,
  roots: readonly string[] = rootCertificates,
): Scheme {
  const provider = config.provider === 'custom' ? customProvider(config) : findProvider(config.provider)
  if (!provider) throw unknownProvider(config.provider)
  checkOptions(provider, config)
  checkTolerance(config)
  const full = withNextSecrets(config)
  const tools = { keys, roots }
  if (config.provider === 'custom') checkOwnTests(config, tools)
  const verify = openSeparated(provider, full, tools)
  const identify = openIdentify(provider.identity)
  const accepted = provider.answer.accepted
  return {
    provider: provider.name,
    ...(provider.scheme.kind === 'unsigned' && { unsigned: true }),
    signsUrl: signsUrl(provider.scheme),
    ...(accepted && { accepted }),
    verify,
    identify,
    handshake(request, verified, nowMs) {
      if (!provider.handshake) return undefined
      const secret = (): string | undefined =>
        matchedSecret(full, verified ? verify(request, nowMs) : undefined)
      const context = {
        config: full,
        verified,
        get secret() {
          return secret()
        },
      }
      return provider.handshake.answer(request, context)
    },
  }
}

/** For schemes in code: the URL counts as signed once the code reads it. */
function signsUrl(scheme: Provider['scheme']): boolean {
  switch (scheme.kind) {
    case 'signature':
      return scheme.content.includes('{url}')
    case 'jwt':
      return scheme.url !== undefined
    case 'code':
      return true
    case 'token':
    case 'unsigned':
      return false
    default:
      return scheme satisfies never
  }
}

/** A custom scheme takes effect only while its own tests pass. */
function checkOwnTests(config: SchemeConfig, tools: SchemeTools): void {
  const results = runCustomTests(config.scheme, test => openVerify(customProvider(test), test, tools))
  const failed = results.find(({ passed }) => !passed)
  if (!failed) return
  throw new SchemeError(
    'scheme_invalid',
    'custom',
    `The custom scheme's test ${JSON.stringify(failed.name)} fails: ${failed.note}.`,
  )
}

function matchedSecret(
  config: SchemeConfig,
  verdict: Verdict | Promise<Verdict> | undefined,
): string | undefined {
  const index = verdict && 'kind' in verdict && verdict.kind === 'valid' ? verdict.secret : undefined
  return config.secrets[index ?? 0]
}

type Verify = (request: WebhookRequest, nowMs: number) => Verdict | Promise<Verdict>

function openVerify(provider: Provider, config: SchemeConfig, tools: SchemeTools): Verify {
  const scheme = provider.scheme
  if (provider.secretRequired === false && config.secrets.length === 0) return () => noSecretYet
  switch (scheme.kind) {
    case 'signature':
      return scheme.orToken === undefined
        ? openSignature(scheme, config)
        : openSignatureOrToken(scheme, scheme.orToken, config)
    case 'token':
      return openToken(scheme, config)
    case 'jwt':
      return scheme.orSigned === undefined
        ? openJwt(scheme, config, tools.keys)
        : openJwtOrSigned(scheme, scheme.orSigned, config, tools)
    case 'code':
      return scheme.open(config, tools)
    case 'unsigned':
      if (config.options?.acceptUnsigned !== true) throw unsignedNotAccepted(provider)
      return () => ({ kind: 'valid' })
    default:
      throw new TypeError(`unknown scheme ${scheme satisfies never}`)
  }
}

/** A request with a signature is checked by its signature alone: a right token beside a wrong signature is refused. */
function openSignatureOrToken(
  scheme: SignatureDescriptor,
  tokenHeader: string,
  config: SchemeConfig,
): Verify {
  const bySignature = openSignature(scheme, config)
  const byToken = openToken({ places: [{ header: tokenHeader }] }, config)
  return (request, nowMs) => {
    const isSigned = scheme.headers.some(name => headerText(request.headers, name) !== undefined)
    const hasToken = headerText(request.headers, tokenHeader) !== undefined
    return hasToken && !isSigned ? byToken(request, nowMs) : bySignature(request, nowMs)
  }
}

/** A request with a JWT is checked by its JWT alone, as with signatures above. */
function openJwtOrSigned(
  scheme: JwtDescriptor,
  other: OtherSignature,
  config: SchemeConfig,
  tools: SchemeTools,
): Verify {
  const byJwt = openJwt(scheme, config, tools.keys)
  const bySignature = other.open(config, tools)
  return (request, nowMs) => {
    const hasJwt = headerText(request.headers, scheme.header) !== undefined
    const isSigned = headerText(request.headers, other.header) !== undefined
    return isSigned && !hasJwt ? bySignature(request, nowMs) : byJwt(request, nowMs)
  }
}

const noSecretYet: Verdict = {
  kind: 'invalid',
  reason: 'key_unavailable',
  detail: 'the source has no secret yet: the provider hands it over in its handshake',
}

function unknownProvider(name: string): SchemeError {
  const nearest = nearestProvider(name)
  const hint = nearest ? ` Did you mean ${nearest}?` : ''
  return new SchemeError(
    'unknown_provider',
    name,
    `There is no provider ${JSON.stringify(name.slice(0, 100))}.${hint}`,
  )
}

function unsignedNotAccepted(provider: Provider): SchemeError {
  return new SchemeError(
    'unsigned_not_accepted',
    provider.name,
    `${provider.title} signs nothing, so anyone who knows the URL can post to it. Set the option acceptUnsigned: true to accept that.`,
  )
}

function checkOptions(provider: Provider, config: SchemeConfig): void {
  for (const option of provider.options ?? []) {
    if (!option.required || config.options?.[option.name] !== undefined) continue
    throw new SchemeError(
      'option_missing',
      provider.name,
      `A source of ${provider.name} needs the option ${option.name}: ${option.text}`,
    )
  }
}

/** Refused: NaN, which would bound nothing, and a tolerance below 0, which would refuse every request. */
function checkTolerance({ provider, toleranceSeconds: setting }: SchemeConfig): void {
  const bounds = typeof setting === 'object' ? [setting.past, setting.future] : [setting ?? null]
  if (bounds.every(seconds => seconds === null || (Number.isFinite(seconds) && seconds >= 0))) return
  throw new SchemeError(
    'option_invalid',
    provider,
    `toleranceSeconds of a source of ${provider} must be a number of seconds from 0 on, or past and future, each a number or null.`,
  )
}

/** QStash's next secret has an option of its own, and is live like the others. */
function withNextSecrets(config: SchemeConfig): SchemeConfig {
  const next = [config.options?.nextSecrets ?? []]
    .flat()
    .filter(text => typeof text === 'string' && text !== '')
  return next.length === 0 ? config : { ...config, secrets: [...config.secrets, ...(next as string[])] }
}

/** Opens with every secret of a text that holds several, and reports the text's index, as it was configured. */
function openSeparated(provider: Provider, config: SchemeConfig, tools: SchemeTools): Verify {
  const separator = provider.secretSeparator
  if (separator === undefined || !config.secrets.some(text => text.includes(separator))) {
    return openVerify(provider, config, tools)
  }
  const parts = config.secrets.flatMap((text, index) =>
    text.split(separator).map(secret => ({ secret, index })),
  )
  const verify = openVerify(provider, { ...config, secrets: parts.map(({ secret }) => secret) }, tools)
  const configured = (verdict: Verdict): Verdict =>
    verdict.kind === 'valid' && verdict.secret !== undefined
      ? { ...verdict, secret: parts[verdict.secret]!.index }
      : verdict
  return (request, nowMs) => {
    const verdict = verify(request, nowMs)
    return verdict instanceof Promise ? verdict.then(configured) : configured(verdict)
  }
}
