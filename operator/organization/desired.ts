import type { MessageInitShape } from '@bufbuild/protobuf'
import type { SecretRef } from '@fairlead/wire/declared/field'
import type { PlainDestination, PlainSource } from '@fairlead/wire/declared/plain'
import {
  destinationToStore,
  rateLimitToStore,
  routeToStore,
  sourceToStore,
} from '@fairlead/wire/declared/to-store'
import { MemberRole } from '@fairlead/wire/store/member'
import type { ApplyOrganizationRequestSchema } from '@fairlead/wire/store/organization'
import { type Organization, slugOfOrganization } from './schema.ts'
import { secretId } from './secret-refs.ts'
import { sloToStore } from './slo.ts'
import type { DestinationSpec, SourceSpec } from './spec-parts.ts'
import { apiKeyDigest, type TenantSecret } from './tenant-secret.ts'

/** The request to the store, without the owner, which the caller adds. */
export type DesiredOrganization = Omit<
  MessageInitShape<typeof ApplyOrganizationRequestSchema>,
  'owner' | '$typeName'
>

/** Names of sources and destinations that lack their secrets. */
export interface Lacking {
  readonly sources: ReadonlySet<string>
  readonly destinations: ReadonlySet<string>
}

/**
 * Translates a spec, with its secrets, into the store's request. Sources and destinations that aren't active are left out,
 * and so are sources that lack their secrets. Destinations that lack theirs are paused, so that their deliveries wait.
 */
export function desiredOrganization(
  organization: Organization,
  secrets: ReadonlyMap<string, string>,
  tenant: TenantSecret,
  lacking: Lacking = { sources: new Set(), destinations: new Set() },
): DesiredOrganization {
  const { spec } = organization
  const slug = slugOfOrganization(organization)
  const active = new Set(spec.destinations.filter(destination => destination.active).map(({ name }) => name))
  return {
    slug,
    displayName: spec.displayName ?? slug,
    plan: spec.plan ?? '',
    ...(spec.webhookLimit === undefined ? {} : { webhookLimit: BigInt(spec.webhookLimit) }),
    active: spec.active,
    retentionDays: spec.retentionDays,
    weight: spec.weight,
    ledgerEnabled: spec.ledger.enabled,
    hydrationKeys: spec.ledger.hydrate.flatMap(({ source, secretRef }) => {
      const value = secrets.get(secretId(secretRef))
      return value ? [{ id: source, value }] : []
    }),
    ...rateLimitToStore(spec.rateLimit),
    ...sloToStore(spec.slo),
    members: spec.members.map(({ email, role }) => ({ email, role: roles[role] })),
    sources: spec.sources
      .filter(({ active, name }) => active && !lacking.sources.has(name))
      .map(source => sourceToStore(withSecrets(source, secrets))),
    destinations: spec.destinations
      .filter(destination => destination.active)
      .map(destination =>
        lacking.destinations.has(destination.name)
          ? { ...destination, paused: true, headers: [], auth: [] }
          : destinationWithSecrets(destination, secrets),
      )
      .map(destinationToStore),
    routes: spec.routes
      .map(route => ({ ...route, destinations: route.destinations.filter(name => active.has(name)) }))
      .filter(route => route.destinations.length > 0)
      .map(routeToStore),
    signingSecrets: tenant.signingKeys.map((value, index) => ({
      id: index === 0 ? 'current' : 'previous',
      value,
    })),
    apiKeys: [{ name: 'operator', role: MemberRole.ADMIN, ...apiKeyDigest(tenant.apiKey) }],
  }
}

const roles = {
  owner: MemberRole.OWNER,
  admin: MemberRole.ADMIN,
  developer: MemberRole.DEVELOPER,
  viewer: MemberRole.VIEWER,
} as const

/** Secrets filled in. */
function withSecrets(source: SourceSpec, secrets: ReadonlyMap<string, string>): PlainSource {
  return {
    ...source,
    secrets: source.secrets.map(({ secretRef }) => ({
      id: secretId(secretRef),
      value: readSecret(secretRef, secrets),
    })),
  }
}

function destinationWithSecrets(
  { headers, auth, ...rest }: DestinationSpec,
  secrets: ReadonlyMap<string, string>,
): PlainDestination {
  return {
    ...rest,
    headers: headers.map(({ name, secretRef }) => ({ name, value: readSecret(secretRef, secrets) })),
    auth: auth.map(one => authWithSecrets(one, secrets)),
  }
}

function authWithSecrets(
  { basic, bearer, mtls, oauth2 }: DestinationSpec['auth'][number],
  secrets: ReadonlyMap<string, string>,
): PlainDestination['auth'][number] {
  const read = (ref: SecretRef) => readSecret(ref, secrets)
  if (basic) return { basic: { username: basic.username, password: read(basic.passwordRef) } }
  if (bearer) return { bearer: { token: read(bearer.tokenRef) } }
  if (mtls) return { mtls: { certificate: read(mtls.certificateRef), key: read(mtls.keyRef) } }
  if (!oauth2) throw new TypeError('the schema lets no empty auth through')
  const { clientSecretRef, ...rest } = oauth2
  return { oauth2: { ...rest, clientSecret: read(clientSecretRef) } }
}

function readSecret(ref: SecretRef, secrets: ReadonlyMap<string, string>): string {
  const value = secrets.get(secretId(ref))
  if (value === undefined) throw new TypeError(`the secret ${secretId(ref)} was not read`)
  return value
}
