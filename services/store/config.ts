import { tracingEnvironment } from '@fairlead/telemetry/environment'
import { platformEnvironment, storeTokenEnvironment } from '@fairlead/wire/environment'
import { z } from 'zod'

/** What the store reads from the environment: name → unit, default, reason. */
export const storeConfig = z.object({
  FAIRLEAD_POSTGRES_URL: z
    .string()
    .describe('postgres://role:password@host/database; the role owns the database and is no superuser'),
  ...platformEnvironment,
  ...tracingEnvironment,
  ...storeTokenEnvironment,
  FAIRLEAD_STORE_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(50051)
    .describe('where gRPC answers; 0 takes a free port'),
  FAIRLEAD_STORE_HOST: z.string().default('0.0.0.0').describe('the address to listen on'),
  FAIRLEAD_STRIPE_CONNECT_SOURCE: z
    .string()
    .regex(
      /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\/[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
      "organization/source: an organization's slug and a name of a source of it",
    )
    .optional()
    .describe(
      "organization/source: the platform's own source of Stripe's Connect events, which go to the organization that has connected the account that they name; events of other accounts are held for 72 hours. Nobody can register that organization. None by default",
    ),
  FAIRLEAD_STORE_CONNECTIONS: z.coerce
    .number()
    .int()
    .min(2)
    .max(100)
    .default(10)
    .describe('connections to Postgres for calls; the projection has one more of its own'),
})

export type StoreConfig = z.infer<typeof storeConfig>
