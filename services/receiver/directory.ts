import type { OrganizationId } from '@fairlead/webhook/id'
import { openScheme } from '@fairlead/webhook/open'
import type { KeyFetch, Scheme } from '@fairlead/webhook/scheme'
import type { OrganizationConfig, SourceConfig } from '@fairlead/wire/config'
import { type Keyring, sealContext } from '@fairlead/wire/seal'
import { eventSubject, rejectionsSubject } from '@fairlead/wire/subjects'
import { openBucket, type TokenBucket } from './admission/bucket.ts'

/** A source as the path of a request needs it: everything opened, nothing to look up. */
export interface Source {
  readonly config: SourceConfig
  readonly organization: Organization
  readonly scheme: Scheme
  readonly bucket: TokenBucket | undefined
  readonly eventSubject: string
  readonly rejectionsSubject: string
}

export interface Organization {
  readonly id: OrganizationId
  readonly slug: string
  readonly revision: number
  readonly active: boolean
  readonly quotaExceeded: boolean
  readonly bucket: TokenBucket | undefined
  readonly sources: ReadonlyMap<string, Source | 'unusable'>
}

/** All organizations in memory: what `watchConfig` tells, opened. */
export interface Directory {
  /** `unusable`: it is declared, and can't be opened. */
  find(slug: string, source: string): Source | 'unusable' | undefined
  put(config: OrganizationConfig, revision: number): void
  remove(id: OrganizationId): void
  readonly size: number
}

/** A source that can't be opened (an undecodable key, say) is told to `fault`; its requests are answered 503. */
export interface DirectoryOptions {
  keyring: Keyring
  fetchKey: KeyFetch
  fault(config: OrganizationConfig, source: string, error: unknown): void
}

export function openDirectory(options: DirectoryOptions): Directory {
  const bySlug = new Map<string, Organization>()
  const slugs = new Map<OrganizationId, string>()
  return {
    find: (slug, source) => bySlug.get(slug)?.sources.get(source),
    put(config, revision) {
      const before = slugs.get(config.id)
      if (before !== undefined && before !== config.slug) bySlug.delete(before)
      bySlug.set(config.slug, openOrganization(config, revision, bySlug.get(config.slug), options))
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
  const sources = new Map<string, Source | 'unusable'>()
  const organization: Organization = {
    id: config.id,
    slug: config.slug,
    revision,
    active: config.active,
    quotaExceeded: config.quotaExceeded,
    bucket: config.rateLimit && openBucket(config.rateLimit),
    sources,
  }
  for (const source of config.sources) {
    try {
      sources.set(source.name, {
        config: source,
        organization,
        scheme: openSourceScheme(config, source, options),
        bucket: keepBucket(source, before),
        eventSubject: eventSubject(config.id, source.name),
        rejectionsSubject: rejectionsSubject(config.id, source.name),
      })
    } catch (error) {
      sources.set(source.name, 'unusable')
      options.fault(config, source.name, error)
    }
  }
  return organization
}

function openSourceScheme(
  { id }: OrganizationConfig,
  source: SourceConfig,
  { keyring, fetchKey }: DirectoryOptions,
): Scheme {
  const context = sealContext.sourceSecret(id, source.name)
  return openScheme(
    {
      provider: source.provider,
      secrets: source.secrets.map(secret => keyring.open(secret.sealed, context)),
      options: source.options,
      ...(source.scheme !== undefined && { scheme: source.scheme }),
      ...(source.toleranceSeconds !== undefined && { toleranceSeconds: source.toleranceSeconds }),
    },
    fetchKey,
  )
}

/** A change elsewhere in the organization must not refill a source's bucket. */
function keepBucket(source: SourceConfig, before: Organization | undefined): TokenBucket | undefined {
  const { rateLimit } = source
  if (!rateLimit) return undefined
  const old = before?.sources.get(source.name)
  if (old === undefined || old === 'unusable') return openBucket(rateLimit)
  const same =
    old.config.rateLimit?.perSecond === rateLimit.perSecond && old.config.rateLimit.burst === rateLimit.burst
  return same && old.bucket ? old.bucket : openBucket(rateLimit)
}
