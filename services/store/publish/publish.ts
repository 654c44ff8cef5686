import type { Log } from '@fairlead/daemon/log'
import { type OrganizationId, parseId } from '@fairlead/webhook/id'
import { decodeConfig, type OrganizationConfig } from '@fairlead/wire/config'
import { openConfigBucket } from '@fairlead/wire/watch-config'
import { JetStreamApiError } from '@nats-io/jetstream'
import type { KV, KvEntry } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Pool } from 'pg'
import { organizationIdOf, readOrganizations, type StoredOrganization } from '../organizations/read.ts'
import { inScope } from '../scope.ts'
import { configText } from './config-of.ts'

/**
 * Keeps the configuration bucket equal to the rows in two ways. After each commit the changed organization is published.
 * At the start and every minute all organizations are compared, which repairs missed publications (NATS away, a store
 * killed after its commit, a bucket made anew).
 *
 * Two stores may publish at the same time. Each reads the key's revision before it reads the rows, and writes only over
 * that revision, so that older rows can't replace newer ones.
 */
export interface ConfigPublisher {
  /** Publishes organizations; rejects if NATS or Postgres is away, and the next comparison makes up for it. */
  publish(organizations: readonly OrganizationId[]): Promise<void>
  /** At which revision an organization is published; 0: it is not. */
  revisionOf(organization: OrganizationId): Promise<number>
  /** An organization's configuration as receivers and workers have it; undefined: it is not published. */
  published(organization: OrganizationId): Promise<Published | undefined>
  /** Compares all organizations and writes the differences; answers how many there were. */
  reconcile(): Promise<number>
}

export interface Published {
  readonly config: OrganizationConfig
  readonly revision: number
}

export interface PublishMetrics {
  written: { inc(labels: { operation: 'put' | 'remove' }): void }
}

/** Organizations that are read and put together. */
const pageSize = 200
/** Tries of one key while others write it too. */
const conflictTries = 10
/** JetStream: wrong last sequence, which is how a revision of a key is checked. */
const wrongLastSequence = 10071

export function openConfigPublisher(
  pool: Pool,
  nats: NatsConnection,
  replicas: number,
  metrics: PublishMetrics,
  log: Log,
): ConfigPublisher {
  let opened: Promise<KV> | undefined
  const bucket = (): Promise<KV> => {
    opened ??= openConfigBucket(nats, replicas).catch(error => {
      opened = undefined
      throw error
    })
    return opened
  }

  async function publish(organizations: readonly OrganizationId[]): Promise<void> {
    let open: readonly OrganizationId[] = [...new Set(organizations)]
    for (let tries = 1; open.length > 0; tries++) {
      const results = await publishOnce(open)
      const failed = results.filter(({ error }) => error !== undefined)
      const hopeless = failed.find(({ error }) => !isConflict(error) || tries === conflictTries)
      if (hopeless) throw hopeless.error
      open = failed.map(({ organization }) => organization)
    }
  }

  /** Pages, so that neither rows nor messages of thousands are in memory at one time. */
  async function publishOnce(organizations: readonly OrganizationId[]) {
    const results: { organization: OrganizationId; error: unknown }[] = []
    const kv = await bucket()
    for (let at = 0; at < organizations.length; at += pageSize) {
      const page = organizations.slice(at, at + pageSize)
      // Before the rows: what is older can't replace what is newer.
      const entries = await Promise.all(page.map(organization => kv.get(organization)))
      const rows = await inScope(pool, 'platform', db => readOrganizations(db, page))
      const stored = new Map(rows.map(row => [organizationIdOf(row), row]))
      const written = page.map(async (organization, place) => {
        const error = await put(
          kv,
          organization,
          entries[place] ?? undefined,
          stored.get(organization),
        ).catch((cause: unknown) => cause)
        results.push({ organization, error })
      })
      await Promise.all(written)
    }
    return results
  }

  /** Throws a conflict if someone else wrote the key meanwhile. */
  async function put(
    kv: KV,
    organization: OrganizationId,
    entry: KvEntry | undefined,
    stored: StoredOrganization | undefined,
  ): Promise<void> {
    const wanted = stored && configText(stored, Date.now())
    const current = entry?.operation === 'PUT' ? entry.string() : undefined
    if (wanted === current) return
    if (wanted === undefined) await kv.delete(organization, { previousSeq: entry?.revision ?? 0 })
    else await kv.put(organization, wanted, { previousSeq: entry?.revision ?? 0 })
    metrics.written.inc({ operation: wanted === undefined ? 'remove' : 'put' })
    log.debug({ organizationId: organization, removed: wanted === undefined }, 'config.published')
  }

  async function reconcile(): Promise<number> {
    const published = await readBucket(await bucket())
    const rows = await inScope(pool, 'platform', db => readOrganizations(db))
    const now = Date.now()
    const wanted = new Map(rows.map(stored => [organizationIdOf(stored), configText(stored, now)]))
    const keys = new Set([...wanted.keys(), ...published.keys()])
    const different = [...keys].filter(key => wanted.get(key) !== published.get(key))
    await publish(different)
    if (different.length > 0) log.info({ organizations: different.length }, 'config.reconciled')
    return different.length
  }

  async function revisionOf(organization: OrganizationId): Promise<number> {
    const entry = await (await bucket()).get(organization)
    return entry?.operation === 'PUT' ? entry.revision : 0
  }

  async function published(organization: OrganizationId): Promise<Published | undefined> {
    const entry = await (await bucket()).get(organization)
    if (entry?.operation !== 'PUT') return undefined
    return { config: decodeConfig(entry.value), revision: entry.revision }
  }

  return { publish, revisionOf, published, reconcile }
}

async function readBucket(kv: KV): Promise<Map<OrganizationId, string>> {
  const published = new Map<OrganizationId, string>()
  if ((await kv.status()).values === 0) return published
  const watch = await kv.watch()
  for await (const entry of watch) {
    const organization = parseId('org', entry.key)
    if (organization && entry.operation === 'PUT') published.set(organization, entry.string())
    if (entry.delta === 0) break
  }
  return published
}

function isConflict(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === wrongLastSequence
}
