import type { MessageInitShape } from '@bufbuild/protobuf'
import { defaultBurst } from '@fairlead/daemon/token-bucket'
import { retryPresets } from '@fairlead/webhook/settle'
import type { DestinationAuthentication } from '@fairlead/wire/destination-auth'
import { MemberRole } from '@fairlead/wire/store/member'
import type { ApplyOrganizationRequestSchema } from '@fairlead/wire/store/organization'
import type { DestinationSpec } from './destination.ts'
import type { SecretRef } from './field.ts'
import type { RouteSpec } from './route.ts'
import { type Organization, slugOfOrganization } from './schema.ts'
import { secretId } from './secret-refs.ts'
import type { SourceSpec } from './source.ts'
import { apiKeyDigest, type TenantSecret } from './tenant-secret.ts'

/** What the store is asked for; the owner is added by whoever calls it. */
export type DesiredOrganization = Omit<
  MessageInitShape<typeof ApplyOrganizationRequestSchema>,
  'owner' | '$typeName'
>

/** Names of what lacks its secrets. */
export interface Lacking {
  readonly sources: ReadonlySet<string>
  readonly destinations: ReadonlySet<string>
}

/**
 * Says to the store what a spec says, secrets filled in. Sources and destinations that aren't active are left out, and
 * so are sources that lack their secrets; destinations that do are paused, so that what is for them waits.
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
    ...rateLimit(spec.rateLimit),
    members: spec.members.map(({ email, role }) => ({ email, role: roles[role] })),
    sources: spec.sources
      .filter(({ active, name }) => active && !lacking.sources.has(name))
      .map(source => desiredSource(source, secrets)),
    destinations: spec.destinations
      .filter(destination => destination.active)
      .map(destination =>
        lacking.destinations.has(destination.name)
          ? desiredDestination({ ...destination, paused: true, headers: [], auth: [] }, secrets)
          : desiredDestination(destination, secrets),
      ),
    routes: spec.routes
      .map(route => ({ ...route, destinations: route.destinations.filter(name => active.has(name)) }))
      .filter(route => route.destinations.length > 0)
      .map(desiredRoute),
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

function desiredSource(source: SourceSpec, secrets: ReadonlyMap<string, string>) {
  return {
    name: source.name,
    settings: {
      provider: source.provider,
      ...(source.scheme === undefined ? {} : { scheme: asJson(source.scheme) }),
      ...(source.options === undefined ? {} : { options: asJson(source.options) }),
      ...(source.toleranceSeconds === undefined ? {} : { toleranceSeconds: source.toleranceSeconds }),
      ...rateLimit(source.rateLimit),
      deduplicate: source.deduplicate,
    },
    secrets: source.secrets.map(({ secretRef }) =>
      plainSecret(secretId(secretRef), secretId(secretRef), secrets),
    ),
  }
}

function desiredDestination(destination: DestinationSpec, secrets: ReadonlyMap<string, string>) {
  const { retry } = destination
  return {
    name: destination.name,
    settings: {
      url: destination.url ?? '',
      nats: destination.nats !== undefined,
      processor: destination.processor?.name ?? '',
      timeoutSeconds: destination.timeoutSeconds,
      // 0: not declared.
      concurrency: destination.concurrency ?? 0,
      ...rateLimit(destination.rateLimit),
      retry: {
        delaysSeconds: [
          ...(retry.delaysSeconds ?? retryPresets[retry.preset ?? 'default'].map(ms => ms / 1000)),
        ],
      },
      paused: destination.paused,
      forwardCredentials: destination.forwardCredentials,
    },
    headers: destination.headers.map(({ name, secretRef }) =>
      plainSecret(name, secretId(secretRef), secrets),
    ),
    auth:
      destination.auth.length === 0
        ? ''
        : JSON.stringify(destination.auth.map(one => desiredAuth(one, secrets))),
  }
}

/** One way of letting a delivery in, secrets filled in. */
function desiredAuth(
  { basic, bearer, mtls, oauth2 }: DestinationSpec['auth'][number],
  secrets: ReadonlyMap<string, string>,
): DestinationAuthentication {
  const read = (ref: SecretRef) => plainSecret('', secretId(ref), secrets).value
  if (basic) return { kind: 'basic', username: basic.username, password: read(basic.passwordRef) }
  if (bearer) return { kind: 'bearer', token: read(bearer.tokenRef) }
  if (mtls) return { kind: 'mtls', certPem: read(mtls.certificateRef), keyPem: read(mtls.keyRef) }
  if (!oauth2) throw new TypeError('the schema lets no empty auth through')
  const { clientSecretRef, ...rest } = oauth2
  return { kind: 'oauth2', ...rest, clientSecret: read(clientSecretRef) }
}

function desiredRoute({ source, eventTypes, destinations, order }: RouteSpec) {
  return {
    settings: {
      source,
      eventTypes,
      destinations,
      ...(order && { order: { key: orderKey(order.key), maxWaitSeconds: order.maxWaitSeconds } }),
    },
  }
}

function orderKey({ pointer, header }: NonNullable<RouteSpec['order']>['key']) {
  return pointer !== undefined
    ? { case: 'pointer' as const, value: pointer }
    : { case: 'header' as const, value: header ?? '' }
}

function plainSecret(id: string, from: string, secrets: ReadonlyMap<string, string>) {
  const value = secrets.get(from)
  if (value === undefined) throw new TypeError(`the secret ${from} was not read`)
  return { id, value }
}

function rateLimit(limit: { perSecond: number; burst?: number | undefined } | undefined) {
  return limit
    ? { rateLimit: { perSecond: limit.perSecond, burst: limit.burst ?? defaultBurst(limit.perSecond) } }
    : {}
}

type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** Came from YAML or JSON, so it is JSON; what is undefined is left out. */
function asJson(value: object): { [key: string]: Json } {
  return JSON.parse(JSON.stringify(value)) as { [key: string]: Json }
}
