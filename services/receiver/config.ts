import { drainDelayMs } from '@fairlead/daemon/leave'
import { openTrustedProxies } from '@fairlead/daemon/peer'
import { tracingEnvironment } from '@fairlead/telemetry/environment'
import { platformEnvironment } from '@fairlead/wire/environment'
import { z } from 'zod'

/** What the receiver reads from the environment: name → unit, default, reason. */
export const receiverConfig = z.object({
  ...platformEnvironment,
  ...tracingEnvironment,
  FAIRLEAD_RECEIVER_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(8080)
    .describe('where providers post'),
  FAIRLEAD_RECEIVER_HOST: z.string().default('0.0.0.0').describe('the address to listen on'),
  FAIRLEAD_PUBLIC_URL: z
    .url()
    .optional()
    .describe('scheme, host and port as providers see them; needed for schemes that sign their URL'),
  FAIRLEAD_TRUSTED_PROXIES: z
    .string()
    .default('')
    .refine(text => openTrustedProxies(text) !== undefined, 'not a list of addresses and CIDR ranges')
    .describe(
      'addresses and CIDR ranges of proxies that are believed: X-Forwarded-For tells the sender, X-Forwarded-Host and -Proto another public URL; none by default',
    ),
  FAIRLEAD_MAX_BODY_BYTES: z.coerce
    .number()
    .int()
    .min(1024)
    .max(64 * 1024 ** 2)
    .default(8 * 1024 ** 2)
    .describe("bytes of one body; NATS' max_payload must be 64 KiB larger"),
  FAIRLEAD_MAX_BODIES_BYTES: z.coerce
    .number()
    .int()
    .min(1024 ** 2)
    .default(256 * 1024 ** 2)
    .describe('bytes of all bodies held in memory at one time; more is answered 503'),
  FAIRLEAD_MAX_REQUESTS: z.coerce
    .number()
    .int()
    .min(16)
    .max(4_096)
    .default(2_048)
    .describe(
      'requests worked on at one time, most of them waiting for JetStream; one organization may have half; more is answered 503',
    ),
  FAIRLEAD_MAX_CONNECTIONS: z.coerce.number().int().min(1).default(10_000).describe('open connections'),
  FAIRLEAD_PUBLISH_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .min(100)
    .max(30_000)
    .default(5_000)
    .describe("how long to wait for JetStream before answering 503; below the providers' own time-outs"),
  FAIRLEAD_REDIS_URL: z
    .string()
    .optional()
    .describe(
      "redis:// or rediss://, Redis 6.2 or newer or Valkey: remembers accepted ids for 72 hours, fewer where they fill three quarters of its maxmemory; without it repeats are known for JetStream's 5 minutes",
    ),
  FAIRLEAD_SEEN_WAIT_MS: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(5)
    .describe('how long a webhook may wait for Redis before it is accepted unchecked'),
  FAIRLEAD_DRAIN_DELAY_MS: drainDelayMs,
})

export type ReceiverConfig = z.infer<typeof receiverConfig>
