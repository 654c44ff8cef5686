import { bucketName } from '@fairlead/wire/streams'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { KvWatchEntry } from '@nats-io/kv'
import { headers, type NatsConnection } from '@nats-io/transport-node'

/** What the bucket holds for one partition, as far as this worker knows. */
export interface Claim {
  /** Undefined where no worker claims the partition. */
  readonly owner: string | undefined
  /** The entry's, also of a deletion; 0 where there never was an entry. */
  readonly revision: number
}

/**
 * The bucket `partitions`: each key names the worker that claims the partition. Each write names the revision that it
 * replaces, so that of two workers one wins. A write that failed may have happened all the same: such a claim is in
 * doubt until it has been read again.
 */
export interface Claims {
  of(partition: number): Claim
  /** Whether a write failed and the claim has not been read since. */
  inDoubt(partition: number): boolean
  /** Claims a partition. Resolves with the revision of this worker's entry. */
  take(partition: number): Promise<number>
  /** Deletes this worker's claim. Resolves with the revision of the deletion. */
  give(partition: number): Promise<number>
  /** Reads the claim from the bucket's leader. */
  read(partition: number): Promise<void>
  /** The watch of the bucket told an entry. Returns its partition. */
  told(entry: KvWatchEntry): number
}

const stream = `KV_${bucketName.partitions}`
const operationHeader = 'KV-Operation'
const noClaim: Claim = { owner: undefined, revision: 0 }
const keyOf = (partition: number): string => `$KV.${bucketName.partitions}.${partition}`

export async function openClaims(nats: NatsConnection, me: string): Promise<Claims> {
  const manager = await jetstreamManager(nats, { checkAPI: false })
  const client = jetstream(nats)
  const claims = new Map<number, Claim>()
  const doubtful = new Set<number>()
  const of = (partition: number): Claim => claims.get(partition) ?? noClaim

  /** The answer to a write, the watch and a read overtake each other: the highest revision is the newest. */
  function learn(partition: number, claim: Claim): void {
    if (claim.revision <= of(partition).revision) return
    claims.set(partition, claim)
    doubtful.delete(partition)
  }

  /** A deletion is an entry as well: its revision is what the next claim replaces. */
  async function write(partition: number, owner: string | undefined): Promise<number> {
    doubtful.add(partition)
    const fields = headers()
    if (owner === undefined) fields.set(operationHeader, 'DEL')
    const { seq: revision } = await client.publish(keyOf(partition), owner ?? '', {
      headers: fields,
      expect: { lastSubjectSequence: of(partition).revision },
    })
    learn(partition, { owner, revision })
    doubtful.delete(partition)
    return revision
  }

  async function read(partition: number): Promise<void> {
    const before = of(partition)
    const message = await manager.streams.getMessage(stream, { last_by_subj: keyOf(partition) })
    if (of(partition) !== before) return // the watch was quicker
    const isDeleted = !message || message.header.has(operationHeader)
    claims.set(partition, { owner: isDeleted ? undefined : message.string(), revision: message?.seq ?? 0 })
    doubtful.delete(partition)
  }

  return {
    of,
    inDoubt: partition => doubtful.has(partition),
    take: partition => write(partition, me),
    give: partition => write(partition, undefined),
    read,
    told({ key, operation, value, revision }) {
      const partition = Number(key)
      const owner = operation === 'PUT' ? Buffer.from(value).toString() : undefined
      learn(partition, { owner, revision })
      return partition
    },
  }
}
