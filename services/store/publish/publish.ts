import type { Log } from '@fairlead/daemon/log'
import type { OrganizationId } from '@fairlead/webhook/id'
import { decodeConfig, type OrganizationConfig } from '@fairlead/wire/config'
import { JetStreamApiError } from '@nats-io/jetstream'
import type { KV } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Pool } from 'pg'
import { organizationIdOf, readOrganizations, type StoredOrganization } from '../organizations/read.ts'
import { inScope } from '../scope.ts'
import { absent, type Bucket, type Entry, openBucket, readEntries } from './bucket.ts'
import { openComparison, type Put } from './compare.ts'
import { configText } from './config-of.ts'
import { openPace } from './pace.ts'

/**
 * Keeps the configuration bucket equal to the rows in two ways. After each commit the changed organization is published.
 * At the start and every minute all organizations that have changed since are compared, which repairs missed publications (NATS away, a store
 * killed after its commit, a bucket made anew). Both go in pages, so that neither rows nor values of thousands are in
 * memory at one time, and what shares the process gets its turn between two pages.
 *
 * Two stores may publish at the same time. Each reads the key's revision before it reads the rows, and writes only over
 * that revision, so that older rows can't replace newer ones.
 */
export interface ConfigPublisher {
  /** Publishes organizations, a single one not before its turn (`pace.ts`); rejects if NATS or Postgres is away, and the next comparison makes up for it. */
  publish(organizations: readonly OrganizationId[]): Promise<void>
  /** At which revision an organization is published; 0: it is not. */
  revisionOf(organization: OrganizationId): Promise<number>
  /** An organization's configuration as receivers and workers have it; undefined: it is not published. */
  published(organization: OrganizationId): Promise<Published | undefined>
  /** Compares organizations that may differ and writes the differences; answers how many there were. */
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
  const comparison = openComparison(pool)
  let opened: Promise<Bucket> | undefined
  const bucket = (): Promise<Bucket> => {
    opened ??= openBucket(nats, replicas).catch(error => {
      opened = undefined
      throw error
    })
    return opened
  }

  /** Answers how each of them stands. */
  async function publish(organizations: Iterable<OrganizationId>): Promise<Put[]> {
    let open = [...new Set(organizations)]
    const done: Put[] = []
    for (let tries = 1; open.length > 0; tries++) {
      const results: Result[] = []
      for (let at = 0; at < open.length; at += pageSize)
        results.push(...(await publishPage(open.slice(at, at + pageSize))))
      done.push(...results.flatMap(({ put }) => put ?? []))
      const failed = results.filter(({ error }) => error !== undefined)
      const hopeless = failed.find(({ error }) => !isConflict(error) || tries === conflictTries)
      if (hopeless) throw hopeless.error
      open = failed.map(({ organization }) => organization)
    }
    return done
  }

  async function publishPage(page: readonly OrganizationId[]): Promise<Result[]> {
    const opened = await bucket()
    // Before the rows: what is older can't replace what is newer.
    const entries = await readEntries(page, opened)
    const rows = await inScope(pool, 'platform', db => readOrganizations(db, page))
    const stored = new Map(rows.map(row => [organizationIdOf(row), row]))
    return await Promise.all(
      page.map(organization =>
        put(opened.kv, organization, entries.get(organization), stored.get(organization)).then(
          put => ({ organization, put }),
          (error: unknown) => ({ organization, error }),
        ),
      ),
    )
  }

  /** Throws a conflict if someone else wrote the key meanwhile. */
  async function put(
    kv: KV,
    organization: OrganizationId,
    { text, revision }: Entry = absent,
    stored: StoredOrganization | undefined,
  ): Promise<Put> {
    const wanted = stored && configText(stored, Date.now())
    if (wanted === text) return { organization, written: false, revision, bytes: 0 }
    const options = { previousSeq: revision }
    let to: number | undefined
    if (wanted === undefined) await kv.delete(organization, options)
    else to = await kv.put(organization, wanted, options)
    metrics.written.inc({ operation: wanted === undefined ? 'remove' : 'put' })
    log.debug({ organizationId: organization, removed: wanted === undefined }, 'config.published')
    return { organization, written: true, revision: to, bytes: Buffer.byteLength(wanted ?? '') }
  }

  async function reconcile(): Promise<number> {
    const { open, compared } = await comparison.begin(await bucket())
    const done = await publish(open)
    compared(done)
    const written = done.filter(({ written }) => written).length
    if (written > 0) log.info({ organizations: written }, 'config.reconciled')
    return written
  }

  async function revisionOf(organization: OrganizationId): Promise<number> {
    const entry = await (await bucket()).kv.get(organization)
    return entry?.operation === 'PUT' ? entry.revision : 0
  }

  async function published(organization: OrganizationId): Promise<Published | undefined> {
    const entry = await (await bucket()).kv.get(organization)
    if (entry?.operation !== 'PUT') return undefined
    return { config: decodeConfig(entry.value), revision: entry.revision }
  }

  const publishPaced = openPace(async organization => {
    const done = await publish([organization])
    return done.reduce((sum, { bytes }) => sum + bytes, 0)
  })

  return {
    async publish(organizations) {
      // Several are an owner's, who declares them together; one may be a tenant's, who changes a setting without an end.
      const [first, ...others] = new Set(organizations)
      if (first !== undefined && others.length === 0) await publishPaced(first)
      else await publish(organizations)
    },
    revisionOf,
    published,
    reconcile,
  }
}

interface Result {
  readonly organization: OrganizationId
  readonly put?: Put
  readonly error?: unknown
}

function isConflict(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === wrongLastSequence
}
