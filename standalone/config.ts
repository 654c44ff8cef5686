import { resolve } from 'node:path'
import { readAddress } from '@fairlead/api/auth/address'
import { apiConfig, needsStripeKey } from '@fairlead/api/config'
import { logLevels } from '@fairlead/daemon/log'
import { storeConfig } from '@fairlead/store/config'
import { tracingEnvironment } from '@fairlead/telemetry/environment'
import { workerConfig } from '@fairlead/worker/config'
import { z } from 'zod'

const root = resolve(import.meta.dirname, '..')

const port = (standard: number, description: string, least = 0) =>
  z.coerce.number().int().min(least).max(65535).default(standard).describe(description)

const freePort = (what: string) => port(0, `where ${what} listens on loopback; 0 takes a free port`)

const standaloneEnvironment = z.object({
  FAIRLEAD_HOME: z
    .string()
    .default('.fairlead')
    .transform(folder => resolve(root, folder))
    .describe('the folder that keeps everything: streams, database, keys, logs'),
  FAIRLEAD_ORGANIZATIONS: z
    .string()
    .default('k8s/samples')
    .transform(folder => resolve(root, folder))
    .describe('the folder of YAML files with Organizations and Secrets'),
  FAIRLEAD_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('the address that the receiver and the API listen on'),
  FAIRLEAD_OWNER: z
    .string()
    .refine(text => readAddress(text) === text, 'an e-mail address, lower case')
    .default('owner@localhost')
    .describe("the platform's owner, who signs in by the link that is printed"),
  FAIRLEAD_RECEIVER_PORT: port(8080, 'where providers post', 1),
  FAIRLEAD_API_PORT: port(8081, 'where the API answers'),
  FAIRLEAD_METRICS_PORT: port(9090, 'where /livez, /readyz and /metrics answer'),
  FAIRLEAD_STORE_PORT: freePort("the store's gRPC"),
  FAIRLEAD_ECHO_PORT: port(8082, "where the samples' destinations answer"),
  FAIRLEAD_NATS_PORT: freePort('nats-server'),
  FAIRLEAD_POSTGRES_PORT: freePort('PostgreSQL'),
  FAIRLEAD_REDIS_PORT: freePort('Redis'),
  FAIRLEAD_NATS_URL: z
    .string()
    .optional()
    .describe('a nats-server (2.12 or newer, JetStream) that runs already'),
  FAIRLEAD_POSTGRES_URL: z
    .string()
    .optional()
    .describe('a PostgreSQL that runs already: a database and the role that owns it, no superuser'),
  FAIRLEAD_REDIS_URL: z
    .string()
    .optional()
    .describe('a Redis that runs already, with maxmemory-policy noeviction'),
  FAIRLEAD_DESTINATION_ALLOW: z
    .string()
    .default('127.0.0.0/8,::1/128')
    .describe('CIDRs that destinations may have although they are private; default: loopback'),
  FAIRLEAD_STRIPE_API_URL: workerConfig.shape.FAIRLEAD_STRIPE_API_URL,
  FAIRLEAD_STRIPE_CONNECT_CLIENT_ID: apiConfig.shape.FAIRLEAD_STRIPE_CONNECT_CLIENT_ID,
  FAIRLEAD_STRIPE_CONNECT_SECRET_KEY: apiConfig.shape.FAIRLEAD_STRIPE_CONNECT_SECRET_KEY,
  FAIRLEAD_STRIPE_CONNECT_SCOPE: apiConfig.shape.FAIRLEAD_STRIPE_CONNECT_SCOPE,
  FAIRLEAD_STRIPE_CONNECT_URL: apiConfig.shape.FAIRLEAD_STRIPE_CONNECT_URL,
  FAIRLEAD_STRIPE_CONNECT_SOURCE: storeConfig.shape.FAIRLEAD_STRIPE_CONNECT_SOURCE,
  FAIRLEAD_TENANT_ACCOUNTS: z
    .enum(['true', 'false'])
    .default('false')
    .describe('true: people register organizations of their own, with passwords'),
  FAIRLEAD_PROBER: z
    .enum(['true', 'false'])
    .default('false')
    .describe('true: webhooks of our own go all the way for ever, and tell whether Fairlead delivers'),
  FAIRLEAD_PROBER_INTERVAL_MS: z.coerce
    .number()
    .int()
    .min(100)
    .default(15_000)
    .describe('between two probes of one partition; there are 16 partitions'),
  ...tracingEnvironment,
  FAIRLEAD_LOG_LEVEL: z
    .enum(logLevels)
    .default('info')
    .describe('the least serious lines in logs/fairlead.log'),
})

/** What `npm start` reads from the environment: name → unit, default, reason. Folders are relative to the checkout. */
export const standaloneConfig = standaloneEnvironment.superRefine(needsStripeKey)

export type StandaloneConfig = z.infer<typeof standaloneConfig>
