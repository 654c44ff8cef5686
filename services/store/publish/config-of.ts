import { fromUuid } from '@fairlead/webhook/id'
import { encodeConfig, type OrganizationConfig } from '@fairlead/wire/config'
import { quotaExceeded, type StoredOrganization } from '../organizations/read.ts'
import type { RateLimitColumns } from '../organizations/rows.ts'

/** How long a deleted organization's open deliveries may still be tried before its configuration goes. */
const drainMs = 24 * 3_600_000

/**
 * An organization's configuration for receivers and workers: the text of its key in the configuration bucket;
 * undefined: its key is deleted. The same rows give the same text: sealed values are copied, not made.
 *
 * A deleted organization stays without sources until its open deliveries have ended. Its slug may be another
 * organization's by then, so its id stands in for the slug, which no URL can name.
 */
export function configText(stored: StoredOrganization, nowMs: number): string | undefined {
  if (!stored.deleted_at) return encodeConfig(configOf(stored))
  if (stored.openDeliveries === 0 || nowMs - stored.deleted_at.getTime() > drainMs) return undefined
  return encodeConfig({ ...configOf(stored), slug: fromUuid('org', stored.id), active: false, sources: [] })
}

function configOf(stored: StoredOrganization): OrganizationConfig {
  return {
    id: fromUuid('org', stored.id),
    slug: stored.slug,
    active: stored.active,
    weight: stored.weight,
    ...rateLimit(stored),
    quotaExceeded: quotaExceeded(stored),
    signingSecrets: stored.signingSecrets.map(({ id, sealed }) => ({ id, sealed })),
    sources: stored.sources.filter(isActive).map(source => ({
      id: fromUuid('src', source.id),
      name: source.name,
      provider: source.provider,
      ...(source.scheme && { scheme: source.scheme }),
      options: source.options,
      secrets: source.secrets.map(({ id, sealed }) => ({ id, sealed })),
      ...(source.tolerance_seconds !== null && { toleranceSeconds: source.tolerance_seconds }),
      ...rateLimit(source),
      deduplicate: source.deduplicate,
      ...(source.trust_traceparent && { trustTraceparent: true }),
      ...(source.mode === 'test' && { mode: source.mode }),
      ...(source.account && { account: source.account }),
      ...(source.search && { search: source.search }),
    })),
    destinations: stored.destinations.filter(isActive).map(destination => ({
      id: fromUuid('dst', destination.id),
      name: destination.name,
      kind: destination.kind,
      url: destination.url,
      processor: destination.processor,
      timeoutSeconds: destination.timeout_seconds,
      ...(destination.concurrency !== null && { concurrency: destination.concurrency }),
      ...rateLimit(destination),
      retryDelaysSeconds: destination.retry_delays_seconds,
      paused: destination.paused || destination.pause !== undefined,
      headers: destination.headers.map(({ id, sealed }) => ({ name: id, sealed })),
      ...(destination.forward_credentials && { forwardCredentials: true }),
      ...(destination.trace_context === 'none' && { traceContext: 'none' as const }),
      ...(destination.auths[0] && { auth: destination.auths[0].sealed }),
    })),
    routes: stored.routes.map(route => ({
      id: fromUuid('rte', route.id),
      source: route.source,
      eventTypes: route.event_types,
      destinations: route.destinations,
      ...(route.order_by && { order: route.order_by }),
    })),
    ...(stored.ledger_enabled && { ledger: true as const }),
    ...(stored.hydrationKeys.length > 0 && {
      hydrate: stored.hydrationKeys.map(({ id: source, sealed }) => ({ source, sealed })),
    }),
  }
}

const isActive = ({ active }: { readonly active: boolean }): boolean => active

function rateLimit(row: RateLimitColumns) {
  if (row.rate_limit_per_second === null) return {}
  return { rateLimit: { perSecond: row.rate_limit_per_second, burst: row.rate_limit_burst ?? 1 } }
}
