import { tracingEnvironment } from '@fairlead/telemetry/environment'
import { natsEnvironment, storeTokenEnvironment } from '@fairlead/wire/environment'
import { z } from 'zod'

/** Scheme, host and port, without a slash at the end. */
const base = (description: string) =>
  z
    .url()
    .transform(url => url.replace(/(?<!\/)\/+$/, ''))
    .describe(description)

/** What the prober reads from the environment: name → unit, default, reason. */
export const proberConfig = z.object({
  ...natsEnvironment,
  FAIRLEAD_STORE_URL: z.url().describe("the store's gRPC address, such as http://store:50051"),
  ...storeTokenEnvironment,
  ...tracingEnvironment,
  FAIRLEAD_PROBER_KEY: z
    .string()
    .min(32)
    .describe(
      'at least 32 random characters, the same for ever: the secrets of the prober’s organizations are derived from it',
    ),
  FAIRLEAD_PUBLIC_URL: base(
    'scheme, host and port that probes are posted to: the receivers as providers see them',
  ),
  FAIRLEAD_PROBER_RECEIVERS: z
    .string()
    .default('')
    .describe(
      'host:port whose name resolves to the address of each receiver: they are probed in turn, beside FAIRLEAD_PUBLIC_URL; default: none',
    ),
  FAIRLEAD_API_URL: base('where the API answers whether a probe is in the log'),
  FAIRLEAD_PROBER_SINK_URL: base('where workers reach this prober, such as http://prober:8083'),
  FAIRLEAD_PROBER_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(8083)
    .describe('where probes arrive, and /report answers; 0 takes a free port'),
  FAIRLEAD_PROBER_HOST: z.string().default('0.0.0.0').describe('the address that port listens on'),
  FAIRLEAD_PROBER_INTERVAL_MS: z.coerce
    .number()
    .int()
    .min(100)
    .max(600_000)
    .default(15_000)
    .describe('between two probes of one partition; there are 16 partitions'),
  FAIRLEAD_PROBER_LOST_MS: z.coerce
    .number()
    .int()
    .min(1_000)
    .default(600_000)
    .describe(
      'after which a probe that was accepted and has not arrived is lost, unless the log says that it was delivered',
    ),
})

export type ProberConfig = z.infer<typeof proberConfig>
