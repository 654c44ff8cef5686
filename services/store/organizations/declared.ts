import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { fromUuid } from '@fairlead/webhook/id'
import { type DestinationAuthentication, decodeDestinationAuth } from '@fairlead/wire/destination-auth'
import { type Keyring, sealContext } from '@fairlead/wire/seal'
import { openOrUndefined } from './diff.ts'
import type {
  DestinationRow,
  OrganizationRow,
  RateLimitColumns,
  RouteRow,
  SealedRow,
  SourceRow,
} from './rows.ts'

/**
 * Rows in the words of a declaration (packages/wire/declared), so that what is read can be written back. Secrets are left
 * out, or told by a fingerprint where `fingerprints` is set: for the audit log, and for whoever is about to change them.
 */
export interface DeclaredOptions {
  readonly keyring: Keyring
  readonly fingerprints: boolean
}

type Source = SourceRow & { readonly secrets: readonly Pick<SealedRow, 'id' | 'sealed'>[] }
type Destination = DestinationRow & {
  readonly headers: readonly Pick<SealedRow, 'id' | 'sealed'>[]
  readonly auths: readonly Pick<SealedRow, 'sealed'>[]
}

export function declaredSource(row: Source, options: DeclaredOptions): JsonObject {
  const seal = sealContext.sourceSecret(fromUuid('org', row.organization_id), row.name)
  return {
    name: row.name,
    provider: row.provider,
    secrets: row.secrets.map(({ id, sealed }) => ({ id, ...told(sealed, seal, options) })),
    ...(Object.keys(row.options).length > 0 && { options: row.options as JsonObject }),
    ...(row.scheme && { scheme: row.scheme as JsonObject }),
    ...(row.tolerance_seconds !== null && { toleranceSeconds: row.tolerance_seconds }),
    ...rateLimit(row),
    deduplicate: row.deduplicate,
    trustTraceparent: row.trust_traceparent,
    active: row.active,
    mode: row.mode,
    ...(row.account && { account: row.account }),
    ...(row.search && { search: row.search }),
  }
}

export function declaredDestination(row: Destination, options: DeclaredOptions): JsonObject {
  const organization = fromUuid('org', row.organization_id)
  const seal = sealContext.destinationHeader(organization, row.name)
  const [auth] = row.auths
  const text =
    auth && openOrUndefined(options.keyring, auth.sealed, sealContext.destinationAuth(organization, row.name))
  return {
    name: row.name,
    ...address(row, options),
    auth: text ? decodeDestinationAuth(text).map(one => declaredAuth(one, options)) : [],
    timeoutSeconds: row.timeout_seconds,
    ...(row.concurrency !== null && { concurrency: row.concurrency }),
    ...rateLimit(row),
    retry: { delaysSeconds: row.retry_delays_seconds },
    headers: row.headers.map(({ id, sealed }) => ({ name: id, ...told(sealed, seal, options) })),
    forwardCredentials: row.forward_credentials,
    traceContext: row.trace_context,
    paused: row.paused,
    active: row.active,
  }
}

function address({ kind, url, processor }: DestinationRow, options: DeclaredOptions): JsonObject {
  switch (kind) {
    case 'http':
      return {
        url: options.fingerprints ? toldUrl(url, options.keyring) : url,
        ...(url.startsWith('http://') && { allowInsecureHttp: true }),
      }
    case 'nats':
      return { nats: {} }
    case 'processor':
      return { processor: { name: processor } }
    default:
      throw new TypeError(`unknown kind ${kind satisfies never}`)
  }
}

/** A URL whose password is told by its fingerprint. */
function toldUrl(text: string, keyring: Keyring): string {
  const url = URL.parse(text)
  if (!url?.password) return text
  url.password = fingerprint(url.password, keyring)
  return url.href
}

function declaredAuth(auth: DestinationAuthentication, options: DeclaredOptions): JsonObject {
  const secret = (name: string, value: string) =>
    options.fingerprints ? { [name]: { fingerprint: fingerprint(value, options.keyring) } } : {}
  switch (auth.kind) {
    case 'basic':
      return { basic: { username: auth.username, ...secret('password', auth.password) } }
    case 'bearer':
      return { bearer: secret('token', auth.token) }
    case 'mtls':
      return { mtls: { ...secret('certificate', auth.certPem), ...secret('key', auth.keyPem) } }
    case 'oauth2': {
      const { kind: _kind, clientSecret, ...rest } = auth
      return { oauth2: { ...(rest as JsonObject), ...secret('clientSecret', clientSecret) } }
    }
    default:
      throw new TypeError(`unknown authentication ${auth satisfies never}`)
  }
}

export function declaredRoute(row: RouteRow): JsonObject {
  return {
    source: row.source,
    eventTypes: row.event_types,
    destinations: row.destinations,
    ...(row.order_by && {
      order: {
        key:
          row.order_by.key.from === 'body'
            ? { pointer: row.order_by.key.pointer }
            : { header: row.order_by.key.name },
        maxWaitSeconds: row.order_by.maxWaitSeconds,
      },
    }),
  }
}

/** Without its parts. */
export function declaredOrganization(row: OrganizationRow): JsonObject {
  return {
    displayName: row.display_name,
    plan: row.plan,
    ...(row.webhook_limit !== null && { webhookLimit: Number(row.webhook_limit) }),
    weight: row.weight,
    active: row.active,
    retentionDays: row.retention_days,
    ...(row.slo && { slo: JSON.parse(JSON.stringify(row.slo)) as JsonObject }),
    ...rateLimit(row),
    ledger: { enabled: row.ledger_enabled },
  }
}

/** Every field that differs. Undefined: it is not there. */
export function changedFields(
  before: JsonObject | undefined,
  after: JsonObject | undefined,
): { field: string; before?: JsonValue; after?: JsonValue }[] {
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])
  return [...names]
    .filter(name => JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]))
    .map(field => ({
      field,
      ...(before?.[field] !== undefined && { before: before[field] }),
      ...(after?.[field] !== undefined && { after: after[field] }),
    }))
}

/** Of a secret: enough to tell two apart, and no way back. */
export const fingerprint = (value: string, keyring: Keyring): string =>
  keyring.digest(value).toString('hex').slice(0, 12)

function told(sealed: string, seal: string, { keyring, fingerprints }: DeclaredOptions): JsonObject {
  if (!fingerprints) return {}
  const value = openOrUndefined(keyring, sealed, seal)
  return { fingerprint: value === undefined ? 'unreadable' : fingerprint(value, keyring) }
}

function rateLimit(row: RateLimitColumns): JsonObject {
  if (row.rate_limit_per_second === null) return {}
  return { rateLimit: { perSecond: row.rate_limit_per_second, burst: row.rate_limit_burst ?? 1 } }
}
