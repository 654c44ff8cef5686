import type { Log } from '@fairlead/daemon/log'
import { bucketName } from '@fairlead/wire/streams'
import { partitionCount } from '@fairlead/wire/subjects'
import { type KV, Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Kept } from './partition.ts'

/** Open probes, in a key-value bucket: a prober that is started anew calls nothing lost that it has only forgotten. */
export interface Memory {
  read(): Promise<ReadonlyMap<number, Kept>>
  /** Writes a partition. Never fails: what could not be written is written with the next change. */
  write(partition: number, kept: Kept): Promise<void>
}

/** Probes end within minutes; what is older says nothing any more. Ms. */
const ttlMs = 3_600_000

export async function openMemory(nats: NatsConnection, replicas: number, log: Log): Promise<Memory> {
  const bucket: KV = await new Kvm(nats).create(bucketName.probes, { history: 1, ttl: ttlMs, replicas })
  let failing = false
  return {
    async read() {
      const kept = new Map<number, Kept>()
      for (let number = 0; number < partitionCount; number++) {
        const entry = await bucket.get(String(number))
        if (entry?.operation === 'PUT') kept.set(number, entry.json<Kept>())
      }
      return kept
    },
    async write(partition, kept) {
      try {
        await bucket.put(String(partition), JSON.stringify(kept))
        failing = false
      } catch (err) {
        if (!failing) log.warn({ err, partition }, 'probes.unkept')
        failing = true
      }
    },
  }
}
