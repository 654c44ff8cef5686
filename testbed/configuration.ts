import { randomBytes } from 'node:crypto'
import { newId } from '@fairlead/webhook/id'
import {
  type DestinationConfig,
  encodeConfig,
  type OrderConfig,
  type OrganizationConfig,
  type SourceConfig,
} from '@fairlead/wire/config'
import { openKeyring, sealContext } from '@fairlead/wire/seal'
import { bucketName } from '@fairlead/wire/streams'
import { Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'

/** An encryption key for tests, as FAIRLEAD_ENCRYPTION_KEYS. */
export const testEncryptionKeys = `test:${randomBytes(32).toString('base64')}`
/** The organization's outgoing signing secret in tests. */
export const testSigningSecret = `whsec_${Buffer.alloc(32, 'test').toString('base64')}`

export interface OrganizationSketch
  extends Partial<Omit<OrganizationConfig, 'sources' | 'destinations' | 'routes'>> {
  /** Secrets in plain text; they are sealed. */
  sources?: (Partial<Omit<SourceConfig, 'secrets'>> & {
    name: string
    provider: string
    secrets?: string[]
  })[]
  destinations?: (Partial<DestinationConfig> & { name: string })[]
  /** Default: every event of every source to every destination. */
  routes?: { source: string; eventTypes: string[]; destinations: string[]; order?: OrderConfig }[]
}

/** An organization as the store would publish it, from a sketch of it. */
export function anOrganization(slug: string, sketch: OrganizationSketch = {}): OrganizationConfig {
  const keyring = openKeyring(testEncryptionKeys)
  const now = Date.now()
  const id = sketch.id ?? newId('org', now)
  const { sources = [], destinations = [], routes, ...rest } = sketch
  const all = { source: '*', eventTypes: ['*'], destinations: destinations.map(({ name }) => name) }
  return {
    active: true,
    weight: 1,
    quotaExceeded: false,
    signingSecrets: [{ id: 'first', sealed: keyring.seal(testSigningSecret, sealContext.signingSecret(id)) }],
    ...rest,
    id,
    slug,
    sources: sources.map(({ secrets = [], ...source }) => ({
      id: newId('src', now),
      options: {},
      deduplicate: true,
      ...source,
      secrets: secrets.map((secret, index) => ({
        id: `secret-${index}`,
        sealed: keyring.seal(secret, sealContext.sourceSecret(id, source.name)),
      })),
    })) as SourceConfig[],
    destinations: destinations.map(destination => ({
      id: newId('dst', now),
      kind: 'http',
      url: '',
      processor: '',
      timeoutSeconds: 5,
      concurrency: 10,
      retryDelaysSeconds: [1, 1, 1],
      paused: false,
      headers: [],
      ...destination,
    })) as DestinationConfig[],
    routes: (routes ?? [all]).map(route => ({ id: newId('rte', now), ...route })),
  }
}

/** Publishes organizations as the store does. */
export async function putConfiguration(
  nats: NatsConnection,
  ...organizations: OrganizationConfig[]
): Promise<void> {
  const bucket = await new Kvm(nats).create(bucketName.config, { history: 1 })
  for (const organization of organizations) await bucket.put(organization.id, encodeConfig(organization))
}
