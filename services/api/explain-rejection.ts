import { timestampMs } from '@bufbuild/protobuf/wkt'
import { explain } from '@fairlead/webhook/explain'
import type { SchemeConfig, WebhookRequest } from '@fairlead/webhook/scheme'
import { joinHeaders } from '@fairlead/wire/join-headers'
import type { Rejection } from '@fairlead/wire/store/rejection'
import type { Source } from '@fairlead/wire/store/source'
import type { StoreClient } from '@fairlead/wire/store-client'

/** The most secrets that are tried, of all sources together. */
const maxSecrets = 100

export interface PresentedExplanation {
  readonly stillRefused: boolean
  readonly causes: { readonly kind: string; readonly sentence: string; readonly source: string | null }[]
}

/**
 * Why a request was refused, told with what is configured now: null where its source is gone or its body was not kept
 * whole. Secrets are read for this alone and go nowhere; keys that a provider publishes are not fetched from here.
 *
 * @param publicUrl scheme, host and port as providers see them; the source's option `publicUrl` stands over it
 */
export async function explainRejection(
  store: StoreClient,
  organizationId: string,
  rejection: Rejection,
  publicUrl: string | undefined,
  signal: AbortSignal,
): Promise<PresentedExplanation | null> {
  // The request verified: its reason is the whole explanation.
  if (rejection.repeatsEventId) return null
  if (rejection.offersSecret || BigInt(rejection.body.length) !== rejection.sizeBytes) return null
  if (!rejection.receivedAt) return null
  const { sources } = await store.sources.listSources({ organizationId }, { signal })
  const own = sources.find(({ name }) => name === rejection.source)
  if (!own) return null
  const ordered = [own, ...sources.filter(source => source !== own)]
  const secrets = await readSecrets(store, organizationId, own, signal)
  const config = (source: Source) => schemeConfig(source, secrets.get(source.id) ?? [])
  const { verdict, causes } = await explain(
    requestOf(rejection, own.settings?.options?.publicUrl, publicUrl),
    config(own),
    ordered.slice(1).map(source => ({ name: source.name, config: config(source) })),
    timestampMs(rejection.receivedAt),
  )
  return {
    stillRefused: verdict?.kind !== 'valid',
    causes: causes.map(({ kind, sentence, source }) => ({ kind, sentence, source: source ?? null })),
  }
}

/** Source id → its secrets in plain text, the first source's first. */
async function readSecrets(
  store: StoreClient,
  organizationId: string,
  { id: firstSourceId }: Source,
  signal: AbortSignal,
): Promise<Map<string, string[]>> {
  const asked = { organizationId, firstSourceId, limit: maxSecrets }
  const secrets = new Map<string, string[]>()
  for (const { sourceId, value } of (await store.sources.listSourceSecrets(asked, { signal })).secrets) {
    secrets.set(sourceId, [...(secrets.get(sourceId) ?? []), value])
  }
  return secrets
}

function schemeConfig({ settings }: Source, secrets: readonly string[]): SchemeConfig {
  return {
    provider: settings?.provider ?? '',
    secrets,
    ...(settings?.options && { options: settings.options }),
    ...(settings?.scheme && { scheme: settings.scheme }),
    ...(settings?.toleranceSeconds !== undefined && { toleranceSeconds: settings.toleranceSeconds }),
  }
}

function requestOf(rejection: Rejection, own: unknown, publicUrl: string | undefined): WebhookRequest {
  return {
    method: rejection.method,
    url: publicUrlOf(rejection, own, publicUrl),
    headers: joinHeaders(rejection.headers.flatMap(({ name, value }) => [name, value])),
    body: rejection.body,
  }
}

/**
 * As the receiver takes it: the source's own URL, else the one that it was checked over, with the request's query; else the
 * base with path and query.
 */
function publicUrlOf({ url, publicUrls }: Rejection, own: unknown, base: string | undefined): string {
  const known = typeof own === 'string' ? own : publicUrls[0]
  if (known !== undefined) {
    const query = url.indexOf('?')
    return known + (query < 0 ? '' : url.slice(query))
  }
  // Joined as text, since a URL that was signed is never written anew.
  return base === undefined ? url : base.replace(/\/$/, '') + url
}
