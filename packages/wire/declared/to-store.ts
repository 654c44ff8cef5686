import type { MessageInitShape } from '@bufbuild/protobuf'
import { retryPresets } from '@fairlead/webhook/settle'
import type { DesiredDestinationSchema } from '../gen/fairlead/store/v1/destination_pb.js'
import type { DesiredRouteSchema } from '../gen/fairlead/store/v1/route_pb.js'
import type { DesiredSourceSchema } from '../gen/fairlead/store/v1/source_pb.js'
import type { PlainDestination, PlainSource } from './plain.ts'
import type { RouteSpec } from './route.ts'

/**
 * Translates declarations into the store's messages. A secret without its value is one that the store has already; only a write of a
 * single source or destination may leave a value out.
 */

export function sourceToStore(source: PlainSource): MessageInitShape<typeof DesiredSourceSchema> {
  return {
    name: source.name,
    settings: {
      provider: source.provider,
      ...(source.scheme === undefined ? {} : { scheme: asJson(source.scheme) }),
      ...(source.options === undefined ? {} : { options: asJson(source.options) }),
      ...(source.toleranceSeconds === undefined ? {} : { toleranceSeconds: source.toleranceSeconds }),
      ...rateLimitToStore(source.rateLimit),
      deduplicate: source.deduplicate,
      trustTraceparent: source.trustTraceparent,
      active: source.active,
      mode: source.mode ?? '',
      account: source.account ?? '',
      ...(source.search && { search: source.search }),
    },
    secrets: source.secrets.map(({ id = '', value = '' }) => ({ id, value })),
  }
}

export function destinationToStore(
  destination: PlainDestination,
): MessageInitShape<typeof DesiredDestinationSchema> {
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
      ...rateLimitToStore(destination.rateLimit),
      retry: {
        delaysSeconds: [
          ...(retry.delaysSeconds ?? retryPresets[retry.preset ?? 'default'].map(ms => ms / 1000)),
        ],
      },
      paused: destination.paused,
      forwardCredentials: destination.forwardCredentials,
      traceContext: destination.traceContext,
      active: destination.active,
    },
    headers: destination.headers.map(({ name, value = '' }) => ({ id: name, value })),
    auth: destination.auth.length === 0 ? '' : JSON.stringify(destination.auth.map(authToStore)),
  }
}

/** As `../destination-auth.ts` has it; a secret that is left out is the empty text. */
function authToStore({ basic, bearer, mtls, oauth2 }: PlainDestination['auth'][number]) {
  if (basic) return { kind: 'basic', username: basic.username, password: basic.password ?? '' }
  if (bearer) return { kind: 'bearer', token: bearer.token ?? '' }
  if (mtls) return { kind: 'mtls', certPem: mtls.certificate ?? '', keyPem: mtls.key ?? '' }
  if (!oauth2) throw new TypeError('the schema lets no empty auth through')
  return { kind: 'oauth2', ...oauth2, clientSecret: oauth2.clientSecret ?? '' }
}

export function routeToStore({
  source,
  eventTypes,
  destinations,
  order,
}: RouteSpec): MessageInitShape<typeof DesiredRouteSchema> {
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

/** A limit as the store takes it; without a burst the store fills in its default. */
export function rateLimitToStore(limit: { perSecond: number; burst?: number | undefined } | undefined) {
  return limit ? { rateLimit: { perSecond: limit.perSecond, burst: limit.burst ?? 0 } } : {}
}

type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** Came from YAML or JSON, so it is JSON; what is undefined is left out. */
function asJson(value: object): { [key: string]: Json } {
  return JSON.parse(JSON.stringify(value)) as { [key: string]: Json }
}
