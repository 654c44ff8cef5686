import type { DestinationId, OrganizationId } from '@fairlead/webhook/id'
import { compileRoutes } from '@fairlead/webhook/match'
import { schemeHeaders } from '@fairlead/webhook/scheme-headers'
import { type RetryPolicy, retryAfterCapMs } from '@fairlead/webhook/settle'
import { openSigningSecret, type SigningKey } from '@fairlead/webhook/sign'
import type { DestinationConfig, OrderConfig, OrganizationConfig, SourceConfig } from '@fairlead/wire/config'
import { type DestinationAuthentication, decodeDestinationAuth } from '@fairlead/wire/destination-auth'
import { ledgerDestination } from '@fairlead/wire/ledger'
import { type Keyring, sealContext } from '@fairlead/wire/seal'
import { type ForwardPolicy, openForwardPolicy } from './delivery/forward.ts'
import { isSettable } from './egress/headers.ts'

/** A destination as an attempt needs it. */
export interface Destination {
  readonly id: DestinationId
  readonly organization: Organization
  readonly config: DestinationConfig
  readonly retry: RetryPolicy
  /** Names and values in turn. */
  readonly extraHeaders: readonly string[]
  /** The same array for as long as the configuration is the same. */
  readonly auth: readonly DestinationAuthentication[]
  /** Whether deliveries carry the `traceparent` of their attempt. */
  readonly tellsTrace: boolean
  /** Which headers of an event of that source it gets. */
  readonly forward: (event: { readonly source: string; readonly provider: string }) => ForwardPolicy
  /** Scheme, host and port; destinations with the same one share a breaker. */
  readonly host: string
}

export interface Organization {
  readonly id: OrganizationId
  readonly slug: string
  readonly revision: number
  /** Its share of the worker's slots, relative to other organizations' weights. */
  readonly weight: number
  readonly keys: readonly SigningKey[]
  readonly destinations: ReadonlyMap<DestinationId, Destination>
  /** Whether the trace that a request of this source names is linked to. */
  trustsTraceparent(source: string): boolean
  /** The destinations of an event, each once. */
  match(source: string, eventType: string, eventTypes?: readonly string[]): readonly Wanted[]
  /** The key by which the ledger fetches what events of this source leave out; undefined: it fetches nothing. */
  hydrationKey(source: string): string | undefined
  /** Where events of payment providers go, whatever routes say; undefined: the ledger is off. */
  readonly ledger: Destination | undefined
}

/** A destination that a route gives an event, and the order that the route asks for. */
export interface Wanted {
  readonly destination: Destination
  readonly order: OrderConfig | undefined
}

/** All organizations in memory, as the configuration bucket last said. */
export interface Directory {
  organization(id: OrganizationId): Organization | undefined
  destination(organization: OrganizationId, id: DestinationId): Destination | undefined
  put(config: OrganizationConfig, revision: number): void
  remove(id: OrganizationId): void
  isRemoved(id: OrganizationId): boolean
  /** Its configuration can't be read (the key that seals it is missing, say): its events have to wait. */
  isUnreadable(id: OrganizationId): boolean
  /** Marks a key of the bucket whose value can't be read. The last readable value stays in force. */
  unreadable(key: string): void
  /**
   * Resolves when an organization is known at this revision or a later one: a receiver may have learnt of a new route
   * a moment before this worker. Resolves too, with whatever is known, when `patienceMs` is over.
   */
  atRevision(id: OrganizationId, revision: number, patienceMs: number): Promise<Organization | undefined>
}

/** Organizations that were deleted: their events need not wait for a configuration that won't come. */
const rememberedRemovals = 10_000

/** @param changed with `undefined` where the organization was deleted */
export function openDirectory(
  keyring: Keyring,
  changed: (id: OrganizationId, organization: Organization | undefined) => void,
): Directory {
  const organizations = new Map<OrganizationId, Organization>()
  const waiting = new Map<OrganizationId, Set<() => void>>()
  const removed = new Set<OrganizationId>()
  const unreadable = new Set<string>()
  return {
    organization: id => organizations.get(id),
    destination: (organization, id) => organizations.get(organization)?.destinations.get(id),
    put(config, revision) {
      const organization = openOrganization(config, revision, keyring)
      organizations.set(config.id, organization)
      removed.delete(config.id)
      unreadable.delete(config.id)
      changed(config.id, organization)
      for (const resume of waiting.get(config.id) ?? []) resume()
    },
    remove(id) {
      organizations.delete(id)
      unreadable.delete(id)
      if (removed.size >= rememberedRemovals) removed.clear()
      removed.add(id)
      changed(id, undefined)
    },
    isRemoved: id => removed.has(id),
    isUnreadable: id => unreadable.has(id),
    unreadable: key => void unreadable.add(key),
    async atRevision(id, revision, patienceMs) {
      const deadlineMs = performance.now() + patienceMs
      for (;;) {
        const known = organizations.get(id)
        const leftMs = deadlineMs - performance.now()
        if ((known && known.revision >= revision) || removed.has(id) || leftMs <= 0) return known
        await new Promise<void>(resolve => {
          const resumes = waiting.get(id) ?? new Set()
          waiting.set(id, resumes)
          const resume = (): void => {
            clearTimeout(timer)
            resumes.delete(resume)
            if (resumes.size === 0) waiting.delete(id)
            resolve()
          }
          const timer = setTimeout(resume, leftMs)
          resumes.add(resume)
        })
      }
    },
  }
}

function openOrganization(config: OrganizationConfig, revision: number, keyring: Keyring): Organization {
  const destinations = new Map<DestinationId, Destination>()
  const trusting = new Set(config.sources.flatMap(source => (source.trustTraceparent ? [source.name] : [])))
  const byName = new Map<string, Destination>()
  const signing = sealContext.signingSecret(config.id)
  const organization: Organization = {
    id: config.id,
    slug: config.slug,
    revision,
    weight: config.weight,
    keys: config.signingSecrets.map(secret => openSigningSecret(keyring.open(secret.sealed, signing))),
    destinations,
    trustsTraceparent: source => trusting.has(source),
    hydrationKey(source) {
      const found = config.hydrate?.find(key => key.source === source)
      return found && keyring.open(found.sealed, sealContext.hydrationKey(config.id))
    },
    get ledger() {
      return ledger
    },
    match(source, eventType, eventTypes) {
      return match(source, eventType, eventTypes).flatMap(({ destination: name, route }) => {
        const destination = byName.get(name)
        return destination ? [{ destination, order: route.order }] : []
      })
    },
  }
  const match = compileRoutes(config.routes)
  // Without the sources' sealed secrets: a worker never opens them.
  const schemes = new Map(
    config.sources.map(({ name, provider, options, scheme }) => [name, { provider, options, scheme }]),
  )
  for (const destination of config.destinations) {
    const opened = openDestination(destination, organization, schemes, keyring)
    destinations.set(destination.id, opened)
    byName.set(destination.name, opened)
  }
  const ledger =
    config.ledger && openDestination(ledgerDestination(config.id), organization, schemes, keyring)
  if (ledger) destinations.set(ledger.id, ledger)
  return organization
}

function openDestination(
  config: DestinationConfig,
  organization: Organization,
  sources: ReadonlyMap<string, SourceScheme>,
  keyring: Keyring,
): Destination {
  const context = sealContext.destinationHeader(organization.id, config.name)
  const authContext = sealContext.destinationAuth(organization.id, config.name)
  const own = config.headers.filter(({ name }) => isSettable(name))
  const extraHeaders = own.flatMap(({ name, sealed }) => [name, keyring.open(sealed, context)])
  const auth = config.auth === undefined ? [] : decodeDestinationAuth(keyring.open(config.auth, authContext))
  return {
    id: config.id,
    organization,
    config,
    retry: { delaysMs: config.retryDelaysSeconds.map(seconds => seconds * 1000), retryAfterCapMs },
    extraHeaders,
    auth,
    tellsTrace:
      config.traceContext !== 'none' && !own.some(({ name }) => name.toLowerCase() === 'traceparent'),
    forward: openForward(config, sources, [...own.map(({ name }) => name), ...headersOfAuth(auth)]),
    host: hostOf(config),
  }
}

type SourceScheme = Pick<SourceConfig, 'provider' | 'options' | 'scheme'>

/** A policy for each source that the destination gets events of, made when its first one comes. */
function openForward(
  { forwardCredentials = false }: DestinationConfig,
  sources: ReadonlyMap<string, SourceScheme>,
  replaced: readonly string[],
): Destination['forward'] {
  let policies: Map<string, ForwardPolicy> | undefined
  return ({ source, provider }) => {
    policies ??= new Map()
    let policy = policies.get(source)
    if (!policy) {
      // The source is gone, or has another provider now: the headers that its provider usually signs are assumed.
      const configured = sources.get(source)
      const scheme = schemeHeaders(configured?.provider === provider ? configured : { provider })
      policy = openForwardPolicy({ scheme, forwardCredentials, replaced })
      if (configured?.provider === provider) policies.set(source, policy)
    }
    return policy
  }
}

/** Names of the headers that an authentication gives. */
function headersOfAuth(auths: readonly DestinationAuthentication[]): string[] {
  return auths.flatMap(auth => {
    switch (auth.kind) {
      case 'basic':
      case 'bearer':
      case 'oauth2':
        return ['authorization']
      case 'mtls':
        return []
      default:
        return auth satisfies never
    }
  })
}

/**
 * Destinations of one built-in processor share a breaker: what it needs is away for all of them. Another one without an address
 * shares its breaker with no other. `URL.origin` leaves out a scheme's default port.
 */
function hostOf({ kind, processor, url, id }: DestinationConfig): string {
  if (kind === 'processor') return `processor:${processor}`
  const parsed = URL.parse(url)
  return parsed?.host ? parsed.origin : id
}
