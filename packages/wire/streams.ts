import {
  DiscardPolicy,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  StoreCompression,
  type StreamConfig,
} from '@nats-io/jetstream'
import { keptOfSource } from './rejection.ts'
import { untilAllowed } from './until-allowed.ts'

/** Names of the streams, and of the key-value buckets beside them. */
export const streamName = {
  events: 'EVENTS',
  deliveries: 'DELIVERIES',
  attempts: 'ATTEMPTS',
  dead: 'DEAD',
  rejections: 'REJECTIONS',
  outbound: 'OUTBOUND',
} as const
export const bucketName = {
  config: 'config',
  workers: 'workers',
  partitions: 'partitions',
  probes: 'probes',
} as const

const seconds = 1_000_000_000
const day = 86_400 * seconds

export interface StreamLimits {
  /** Copies of each stream: 1 or 3 (production). Default 1. */
  replicas: number
  /** Bytes that EVENTS may hold before it refuses, and receivers answer 503. Default 10 GiB. OUTBOUND may hold a quarter of it beside. */
  eventsMaxBytes: number
}

export const defaultStreamLimits: StreamLimits = { replicas: 1, eventsMaxBytes: 10 * 1024 ** 3 }

/**
 * How long after a publish JetStream knows its id, in seconds. Long enough for a provider's first repeats; each id
 * costs the server about 150 bytes of memory for that time.
 */
export const duplicateWindowSeconds = 300

/** The configuration of each stream. `ensureStreams` applies it to the server. */
export function streamConfigs(limits: StreamLimits): (Partial<StreamConfig> & { name: string })[] {
  const stored = {
    storage: StorageType.File,
    num_replicas: limits.replicas,
    allow_direct: true,
    // Not compressed: when a replica cuts its log, nats-server 2.15.1 compresses the block before the cut and writes on
    // behind it, and that replica is lost until it is restarted ("s2: corrupt input", seen under cut connections).
    compression: StoreCompression.None,
  }
  return [
    {
      ...stored,
      name: streamName.events,
      description: 'verified webhooks: bodies and headers',
      subjects: ['events.>'],
      retention: RetentionPolicy.Limits,
      // New: a full stream refuses, so that no accepted event is pushed out before it is delivered.
      discard: DiscardPolicy.New,
      max_age: 7 * day,
      max_bytes: limits.eventsMaxBytes,
      duplicate_window: duplicateWindowSeconds * seconds,
      // Receivers publish many waiting events at once under load (nats-server 2.12).
      allow_atomic: true,
    },
    {
      ...stored,
      name: streamName.deliveries,
      description: 'deliveries that could not be finished at once: references to events, never bodies',
      subjects: ['deliveries.>'],
      retention: RetentionPolicy.Workqueue,
      // Without limits nothing is ever discarded; a stream with schedules refuses DiscardPolicy.New (2.15).
      discard: DiscardPolicy.Old,
      allow_msg_schedules: true, // nats-server 2.12
      // Workers store parked deliveries and retries many at a time.
      allow_atomic: true,
      allow_msg_ttl: true,
    },
    {
      ...stored,
      name: streamName.attempts,
      description: 'outcomes, many to a message, for the event log',
      subjects: ['attempts.>'],
      // By limits, not until projected: a store that is restored from a backup reads them again.
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      max_age: 7 * day,
    },
    {
      ...stored,
      name: streamName.dead,
      description: 'deliveries that used up their attempts, with their bodies',
      subjects: ['dead.>'],
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      max_age: 30 * day,
    },
    {
      ...stored,
      name: streamName.outbound,
      description: 'what destinations of the kind nats were given, for consumers of other teams',
      subjects: ['outbound.>'],
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      max_age: 7 * day,
      max_bytes: Math.ceil(limits.eventsMaxBytes / 4),
    },
    {
      ...stored,
      name: streamName.rejections,
      description: 'the newest requests of each source that failed verification',
      subjects: ['rejections.>', 'promotions.>'],
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      max_age: keptOfSource.hours * 3_600 * seconds,
      max_msgs_per_subject: keptOfSource.messages,
      max_bytes: Math.min(1024 ** 3, Math.ceil(limits.eventsMaxBytes / 4)),
    },
  ]
}

/**
 * Creates the streams that are missing and updates those that differ. Safe to call from every process at once; a user
 * who may do neither waits until another one did.
 *
 * @throws StreamError where nats-server has no room for what EVENTS may hold
 */
export async function ensureStreams(manager: JetStreamManager, limits: StreamLimits): Promise<void> {
  for (const config of streamConfigs(limits)) await untilAllowed(() => ensureStream(manager, config))
}

/** Asks before it creates: a stream's `max_bytes` is reserved, and counted again for one that is there already. */
async function ensureStream(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<void> {
  try {
    const existing = await manager.streams.info(config.name).catch(error => {
      if (codeOf(error) === streamNotFound) return undefined
      throw error
    })
    if (!existing) await manager.streams.add(config)
    else if (differs(config, existing.config)) await manager.streams.update(config.name, config)
  } catch (error) {
    if (codeOf(error) !== insufficientStorage) throw error
    throw new StreamError(config, { cause: error })
  }
}

const streamNotFound = 10059
const insufficientStorage = 10047

/** Thrown where nats-server can't reserve the bytes that a stream asks for. */
export class StreamError extends Error {
  readonly code = 'no_room_for_stream'

  constructor({ name, max_bytes = 0 }: Partial<StreamConfig> & { name: string }, options: ErrorOptions) {
    const gibibytes = (max_bytes / 1024 ** 3).toFixed(1)
    super(
      `nats-server has no room for the stream ${name} (${gibibytes} GiB): free disk space, raise its ` +
        'jetstream max_file_store, or lower FAIRLEAD_EVENTS_MAX_BYTES',
      options,
    )
    this.name = 'StreamError'
  }
}

/** Whether the server's configuration differs in a field that ours sets. */
function differs(ours: Partial<StreamConfig>, theirs: StreamConfig): boolean {
  return Object.entries(ours).some(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(Reflect.get(theirs, key)),
  )
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
