import { type OrganizationId, parseId } from '@fairlead/webhook/id'
import { readLast, readNext } from '@fairlead/wire/read'
import { bucketName } from '@fairlead/wire/streams'
import { openConfigBucket } from '@fairlead/wire/watch-config'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import type { KV } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'

/** The configuration bucket, and the stream that it is. */
export interface Bucket {
  readonly kv: KV
  readonly manager: JetStreamManager
}

export async function openBucket(nats: NatsConnection, replicas: number): Promise<Bucket> {
  const kv = await openConfigBucket(nats, replicas)
  return { kv, manager: await jetstreamManager(nats, { checkAPI: false }) }
}

/** What the bucket holds of a key: undefined text where it is deleted. */
export interface Entry {
  readonly text: string | undefined
  readonly revision: number
}
/** Of a key that never was. */
export const absent: Entry = { text: undefined, revision: 0 }

/** Reads a page with one request, and singly what has no room in its answer, which is bounded in bytes. */
export async function readEntries(
  page: readonly OrganizationId[],
  { kv, manager }: Bucket,
): Promise<ReadonlyMap<OrganizationId, Entry>> {
  // A user of NATS that may not ask so, as before an upgrade of its permissions, reads all of them singly.
  const together = page.length > 1 ? readTogether(page, manager).catch(() => []) : []
  const entries = new Map(await together)
  const left = page.filter(organization => !entries.has(organization))
  await Promise.all(
    left.map(async organization => {
      const entry = await kv.get(organization)
      const text = entry?.operation === 'PUT' ? entry.string() : undefined
      if (entry) entries.set(organization, { text, revision: entry.revision })
    }),
  )
  return entries
}

async function readTogether(
  page: readonly OrganizationId[],
  manager: JetStreamManager,
): Promise<[OrganizationId, Entry][]> {
  const entries: [OrganizationId, Entry][] = []
  for await (const message of readLast(manager, stream, page.map(subjectOf))) {
    const organization = organizationIn(message.subject)
    if (!organization) continue
    const text = message.header.get('KV-Operation') === '' ? message.string() : undefined
    entries.push([organization, { text, revision: message.seq }])
  }
  return entries
}

/** Keys of organizations in the bucket, deleted ones too. */
export interface PublishedKeys {
  readonly keys: ReadonlySet<OrganizationId>
  /** Of the bucket: another one counts its revisions anew. */
  readonly created: string
  /** The newest revision of any key. */
  readonly last: number
}

export async function publishedKeys({ manager }: Bucket): Promise<PublishedKeys> {
  const { state, created } = await manager.streams.info(stream, { subjects_filter: `${prefix}>` })
  const keys = Object.keys(state.subjects ?? {}).flatMap(subject => organizationIn(subject) ?? [])
  return { keys: new Set(keys), created: String(created), last: state.last_seq }
}

/** Keys that were written behind a revision, as some replica knows them. */
export async function* writtenSince(
  { manager }: Bucket,
  revision: number,
): AsyncGenerator<{ readonly organization: OrganizationId; readonly revision: number }> {
  let next = revision + 1
  for (let isMore = true; isMore; ) {
    isMore = false
    for await (const { subject, seq } of readNext(manager, stream, {
      subject: `${prefix}>`,
      seq: next,
      count: writtenPage,
    })) {
      isMore = true
      next = seq + 1
      const organization = organizationIn(subject)
      if (organization) yield { organization, revision: seq }
    }
  }
}

/** Keys of one request; the server bounds its answer in bytes besides. */
const writtenPage = 200
const stream = `KV_${bucketName.config}`
const prefix = `$KV.${bucketName.config}.`
const subjectOf = (organization: OrganizationId): string => `${prefix}${organization}`
const organizationIn = (subject: string): OrganizationId | undefined =>
  parseId('org', subject.slice(prefix.length))
