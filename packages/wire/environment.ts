import { z } from 'zod'
import { defaultStreamLimits } from './streams.ts'

/** What receiver, worker and store all read from the environment: name → unit, default, reason. Each key has one home. */
export const platformEnvironment = {
  FAIRLEAD_NATS_URL: z.string().describe('nats://host:port, several comma-separated'),
  FAIRLEAD_ENCRYPTION_KEYS: z.string().describe('id:base64 of 32 bytes, comma-separated, the newest first'),
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
    .positive()
    .default(defaultStreamLimits.eventsMaxBytes)
    .describe('bytes of EVENTS; when it is full, receivers answer 503'),
}
