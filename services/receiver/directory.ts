import { openTokenBucket, type RateLimit, type TokenBucket } from '@fairlead/daemon/token-bucket'
import { keyFetchFor } from '@fairlead/webhook/fetch-keys'
import type { OrganizationId } from '@fairlead/webhook/id'
import type { KeyFetch, Scheme } from '@fairlead/webhook/scheme'
import type { OrganizationConfig, SourceConfig } from '@fairlead/wire/config'
import { openSourceScheme } from '@fairlead/wire/open-source'
import type { Keyring } from '@fairlead/wire/seal'
import { type Extract, openExtract } from '@fairlead/wire/search'
import { eventSubject, rejectionsSubject } from '@fairlead/wire/subjects'

/** A source as the path of a request needs it: everything opened, nothing to look up. */
export interface Source {
  readonly config: SourceConfig
  readonly organization: Organization
  readonly scheme: Scheme
  readonly bucket: TokenBucket | undefined
  /** Of records in the rejection log: a flood of bad requests must not become a flood of writes. */
  readonly rejectionBucket: TokenBucket
  /** Of repeats in the rejection log. Apart, because strangers, who fill `rejectionBucket`, must not keep repeats out. */
  readonly repeatBucket: TokenBucket
  /** Of log lines about single requests that made no event. */
  readonly lineBucket: TokenBucket
  /** Of traces of refused requests. */
  readonly traceBucket: TokenBucket
  readonly eventSubject: string
  readonly rejectionsSubject: string
  /** Reads what its events are found by; undefined: nothing is declared. */
  readonly extract: Extract | undefined
}

export interface Organization {
  readonly id: OrganizationId
  readonly slug: string
  readonly revision: number
  readonly active: boolean
  readonly quotaExceeded: boolean
  readonly bucket: TokenBucket | undefined
  /** Sources that had a request, opened: most of thousands have none for days. */
  readonly sources: Map<string, Source | 'unusable'>
  /** Sources as configured. */
  readonly configs: ReadonlyMap<string, SourceConfig>
}

/** All organizations in memory: the values that `watchConfig` reads, opened. */
export interface Directory {
  /** `unusable`: the source is declared, and can't be opened. */
  find(slug: string, source: string): Source | 'unusable' | undefined
  put(config: OrganizationConfig, revision: number): void
  remove(id: OrganizationId): void
  readonly size: number
}

/** A source that can't be opened (an undecodable key, say) is told to `fault` at its first request; its requests are answered 503. */
export interface DirectoryOptions {
  keyring: Keyring
  fetchKey: KeyFetch
  fault(organization: Pick<Organization, 'id' | 'slug'>, source: string, error: unknown): void
  /** Unix milliseconds. */
  now(): number
}

/** Records in the rejection log, a source. */
const keptRejections: RateLimit = { perSecond: 2, burst: 20 }
/** Repeats in the rejection log whose body differs from their event's, a source. */
const keptRepeats: RateLimit = { perSecond: 2, burst: 100 }
/** Log lines about single requests that made no event, a source. */
const singleLines: RateLimit = { perSecond: 0.1, burst: 5 }
/** Traces of refused requests, a source. */
const refusedTraces: RateLimit = { perSecond: 1, burst: 5 }

export function openDirectory(options: DirectoryOptions): Directory {
  const bySlug = new Map<string, Organization>()
  const slugs = new Map<OrganizationId, string>()
  return {
    find(slug, name) {
      const organization = bySlug.get(slug)
      const opened = organization?.sources.get(name)
      if (!organization || opened !== undefined) return opened
      const config = organization.configs.get(name)
      return config && openSource(organization, config, undefined, options)
    },
    put(config, revision) {
      const slugBefore = slugs.get(config.id)
      const before = slugBefore === undefined ? undefined : bySlug.get(slugBefore)
      const own = before?.id === config.id ? before : undefined
      if (own && own.slug !== config.slug) bySlug.delete(own.slug)
      bySlug.set(config.slug, openOrganization(config, revision, own, options))
      slugs.set(config.id, config.slug)
    },
    remove(id) {
      const slug = slugs.get(id)
      slugs.delete(id)
      // The slug may belong to another organization by now.
      if (slug !== undefined && bySlug.get(slug)?.id === id) bySlug.delete(slug)
    },
    get size() {
      return bySlug.size
    },
  }
}

function openOrganization(
  config: OrganizationConfig,
  revision: number,
  before: Organization | undefined,
  options: DirectoryOptions,
): Organization {
  const organization: Organization = {
    id: config.id,
    slug: config.slug,
    revision,
    active: config.active,
    quotaExceeded: config.quotaExceeded,
    bucket: keepBucket(config.rateLimit, before?.bucket, options.now()),
    sources: new Map(),
    configs: new Map(config.sources.map(source => [source.name, source])),
  }
  for (const [name, old] of before?.sources ?? []) {
    const source = organization.configs.get(name)
    if (source) openSource(organization, source, old === 'unusable' ? undefined : old, options)
  }
  return organization
}

/** @param before how it was opened before this change of the configuration: its buckets keep their level */
function openSource(
  organization: Organization,
  config: SourceConfig,
  before: Source | undefined,
  options: DirectoryOptions,
): Source | 'unusable' {
  const { id, sources } = organization
  const { keyring, fetchKey } = options
  try {
    const source: Source = {
      config,
      organization,
      scheme: openSourceScheme(id, config, keyring, keyFetchFor(fetchKey, config.id)),
      bucket: keepBucket(config.rateLimit, before?.bucket, options.now()),
      rejectionBucket: before?.rejectionBucket ?? openTokenBucket(keptRejections),
      repeatBucket: before?.repeatBucket ?? openTokenBucket(keptRepeats),
      lineBucket: before?.lineBucket ?? openTokenBucket(singleLines),
      traceBucket: before?.traceBucket ?? openTokenBucket(refusedTraces),
      extract: config.search && openExtract(id, config.search),
      eventSubject: eventSubject(id, config.name),
      rejectionsSubject: rejectionsSubject(id, config.name),
    }
    sources.set(config.name, source)
    return source
  } catch (error) {
    sources.set(config.name, 'unusable')
    options.fault(organization, config.name, error)
    return 'unusable'
  }
}

/** Each write of the configuration opens an organization anew: its buckets keep their level, or it would refill them. */
function keepBucket(
  limit: RateLimit | undefined,
  before: TokenBucket | undefined,
  nowMs: number,
): TokenBucket | undefined {
  if (!limit) return undefined
  if (!before) return openTokenBucket(limit)
  before.change(limit, nowMs)
  return before
}
