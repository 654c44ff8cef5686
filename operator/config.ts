import { tracingEnvironment } from '@fairlead/telemetry/environment'
import { storeTokenEnvironment } from '@fairlead/wire/environment'
import { z } from 'zod'

/** What the operator reads from the environment: name → unit, default, reason. */
export const operatorConfig = z.object({
  FAIRLEAD_STORE_URL: z.url().describe("the store's gRPC address, such as http://store:50051"),
  ...storeTokenEnvironment,
  ...tracingEnvironment,
  FAIRLEAD_PUBLIC_URL: z
    .url()
    .default('http://localhost:8080')
    .transform(url => url.replace(/(?<!\/)\/+$/, ''))
    .describe("scheme, host and port of the receivers as providers see them: the base of the sources' URLs"),
  FAIRLEAD_ORGANIZATIONS: z
    .string()
    .optional()
    .describe('a folder of YAML files with Organizations and Secrets; absent: the Kubernetes API'),
  FAIRLEAD_HOME: z
    .string()
    .default('.fairlead')
    .describe(
      "files only: the folder of the platform's state; tenants' Secrets are written to secrets/ in it",
    ),
  FAIRLEAD_OPERATOR_CONCURRENCY: z.coerce
    .number()
    .int()
    .min(1)
    .max(256)
    .default(64)
    .describe('organizations reconciled at one time'),
  FAIRLEAD_OPERATOR_REQUESTS_PER_SECOND: z.coerce
    .number()
    .min(1)
    .max(10_000)
    .default(150)
    .describe('Kubernetes only: requests to the API server, at most; twice as many at one time after a rest'),
  FAIRLEAD_OPERATOR_NAMESPACES: z
    .string()
    .default('')
    .transform(text => text.split(',').flatMap(name => name.trim() || []))
    .describe('Kubernetes only: the namespaces to look at, comma-separated; default: all'),
  FAIRLEAD_OPERATOR_LEASE_NAMESPACE: z
    .string()
    .optional()
    .describe("Kubernetes only: where the leader's Lease is; default: the pod's own namespace"),
  FAIRLEAD_OPERATOR_LEASE_NAME: z
    .string()
    .max(253)
    .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'must be lower-case letters, digits, dots and dashes')
    .default('fairlead-operator')
    .describe(
      "Kubernetes only: the name of the leader's Lease, a DNS name of at most 253 characters; of operators with the same one, one acts, so two installations in one namespace need two",
    ),
  FAIRLEAD_OPERATOR_LEASE_SECONDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(300)
    .default(15)
    .describe('Kubernetes only: how long a leader that fell silent keeps the next one waiting'),
})

export type OperatorConfig = z.infer<typeof operatorConfig>
