import { tracingEnvironment } from '@fairlead/telemetry/environment'
import { platformEnvironment } from '@fairlead/wire/environment'
import { z } from 'zod'
import { defaultPorts } from './egress/target.ts'

/** What the worker reads from the environment: name → unit, default, reason. */
export const workerConfig = z.object({
  ...platformEnvironment,
  ...tracingEnvironment,
  FAIRLEAD_WORKER_NAME: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .optional()
    .describe(
      'unique among the workers, default the name of the host; one that comes back under its name takes its partitions up at once',
    ),
  FAIRLEAD_DESTINATION_ALLOW: z
    .string()
    .default('')
    .describe('CIDRs, comma-separated, that destinations may have although they are private'),
  FAIRLEAD_PROBER_SINK_URL: z
    .url()
    .optional()
    .describe(
      'scheme, host and port where the prober takes what is delivered to it: that one origin may have a private address',
    ),
  FAIRLEAD_DESTINATION_PORTS: z
    .string()
    .default(defaultPorts)
    .describe('ports and ranges, comma-separated, that destinations may have'),
  FAIRLEAD_STRIPE_API_URL: z
    .url()
    .default('https://api.stripe.com')
    .describe(
      'scheme, host and port of Stripe’s API, asked for what events leave out where a tenant gave a key (spec.ledger.hydrate); its address must be one that destinations may have',
    ),
  FAIRLEAD_WORKER_SLOTS: z.coerce
    .number()
    .int()
    .min(8)
    .max(10_000)
    .default(1_024)
    .describe(
      'attempts under way at one time, shared fairly between organizations; a quarter is kept for destinations that answer',
    ),
})

export type WorkerConfig = z.infer<typeof workerConfig>
