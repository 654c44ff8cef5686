import { z } from 'zod'
import type { NatsConfig } from './connect.ts'
import { defaultStreamLimits } from './streams.ts'

/** How NATS is reached, and its streams: name → unit, default, reason. */
export const natsEnvironment = {
  FAIRLEAD_NATS_URL: z.string().describe('nats://host:port, several comma-separated'),
  FAIRLEAD_NATS_USER: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'letters, digits, _ and -: it is part of a subject')
    .optional()
    .describe('whom to sign in to NATS as; replies come to _INBOX.<user>.>'),
  FAIRLEAD_NATS_PASSWORD: z.string().optional().describe("that user's password"),
  FAIRLEAD_STREAM_REPLICAS: z.coerce
    .number()
    .int()
    .min(1)
    .max(5)
    .default(defaultStreamLimits.replicas)
    .describe('copies of each stream'),
  FAIRLEAD_EVENTS_MAX_BYTES: z.coerce
    .number()
    .int()
    .min(1)
    .default(defaultStreamLimits.eventsMaxBytes)
    .describe('bytes of EVENTS; when it is full, receivers answer 503'),
}

/** Environment variables that receiver, worker and store share. */
export const platformEnvironment = {
  ...natsEnvironment,
  FAIRLEAD_ENCRYPTION_KEYS: z.string().describe('id:base64 of 32 bytes, comma-separated, the newest first'),
}

/** The store's token, which store, API and operator read: every caller with the token is answered. */
export const storeTokenEnvironment = {
  FAIRLEAD_STORE_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{32,256}$/, '32 to 256 printable characters')
    .optional()
    .describe('the store answers nobody without it; absent: everyone who reaches its port'),
}

/** How to reach NATS, from a configuration that has the keys above. */
export const natsLogin = (config: {
  readonly FAIRLEAD_NATS_URL: string
  readonly FAIRLEAD_NATS_USER?: string | undefined
  readonly FAIRLEAD_NATS_PASSWORD?: string | undefined
}): Pick<NatsConfig, 'url' | 'user' | 'password'> => ({
  url: config.FAIRLEAD_NATS_URL,
  user: config.FAIRLEAD_NATS_USER,
  password: config.FAIRLEAD_NATS_PASSWORD,
})
