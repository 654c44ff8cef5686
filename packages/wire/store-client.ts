import { setTimeout as wait } from 'node:timers/promises'
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt'
import {
  type Client,
  Code,
  ConnectError,
  createClient,
  type Interceptor,
  type Transport,
} from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import { ApiKeyService } from './gen/fairlead/store/v1/api_key_pb.js'
import { AttemptService } from './gen/fairlead/store/v1/attempt_pb.js'
import { AuditService } from './gen/fairlead/store/v1/audit_pb.js'
import { DeliveryService } from './gen/fairlead/store/v1/delivery_pb.js'
import { DestinationService } from './gen/fairlead/store/v1/destination_pb.js'
import { type ErrorDetail, ErrorDetailSchema } from './gen/fairlead/store/v1/error_pb.js'
import { EventService } from './gen/fairlead/store/v1/event_pb.js'
import { IssueService } from './gen/fairlead/store/v1/issue_pb.js'
import { LedgerService } from './gen/fairlead/store/v1/ledger_pb.js'
import { MemberService } from './gen/fairlead/store/v1/member_pb.js'
import { NotificationService } from './gen/fairlead/store/v1/notification_pb.js'
import { OrganizationService } from './gen/fairlead/store/v1/organization_pb.js'
import { PasskeyService } from './gen/fairlead/store/v1/passkey_pb.js'
import { PlatformService } from './gen/fairlead/store/v1/platform_pb.js'
import { RejectionService } from './gen/fairlead/store/v1/rejection_pb.js'
import { ReplayService } from './gen/fairlead/store/v1/replay_pb.js'
import { RetryService } from './gen/fairlead/store/v1/retry_pb.js'
import { RevenueService } from './gen/fairlead/store/v1/revenue_pb.js'
import { RouteService } from './gen/fairlead/store/v1/route_pb.js'
import { SourceService } from './gen/fairlead/store/v1/source_pb.js'
import { StripeConnectService } from './gen/fairlead/store/v1/stripe_connect_pb.js'
import { TenantService } from './gen/fairlead/store/v1/tenant_pb.js'
import { UsageService } from './gen/fairlead/store/v1/usage_pb.js'
import { type Mode, modeHeader } from './mode.ts'
import { StoreSessions } from './store-sessions.ts'

/** The store's gRPC services, by noun. Messages and enums are in `@fairlead/wire/store/<noun>`. */
export interface StoreClient extends AsyncDisposable {
  readonly organizations: Client<typeof OrganizationService>
  readonly members: Client<typeof MemberService>
  readonly passkeys: Client<typeof PasskeyService>
  readonly tenants: Client<typeof TenantService>
  readonly sources: Client<typeof SourceService>
  readonly destinations: Client<typeof DestinationService>
  readonly routes: Client<typeof RouteService>
  readonly events: Client<typeof EventService>
  readonly deliveries: Client<typeof DeliveryService>
  readonly attempts: Client<typeof AttemptService>
  readonly issues: Client<typeof IssueService>
  readonly retries: Client<typeof RetryService>
  readonly usage: Client<typeof UsageService>
  readonly replays: Client<typeof ReplayService>
  readonly rejections: Client<typeof RejectionService>
  readonly apiKeys: Client<typeof ApiKeyService>
  readonly notifications: Client<typeof NotificationService>
  readonly audit: Client<typeof AuditService>
  readonly platform: Client<typeof PlatformService>
  readonly ledger: Client<typeof LedgerService>
  readonly revenue: Client<typeof RevenueService>
  readonly stripeConnect: Client<typeof StripeConnectService>
  /**
   * The same store, which shows and takes data of one mode alone; undefined: of both. It goes over the same connection, and is
   * not to be disposed.
   */
  inMode(mode: Mode | undefined): StoreClient
}

export interface StoreClientOptions {
  /** Deadline of a call, with its retries. A call's own `timeoutMs` overrides it. Default 10,000. */
  timeoutMs?: number
  /** The store's token, where it has one. */
  token?: string | undefined
  /** Sees each call once, with all its tries: `traceCalls`. */
  traced?: Interceptor | undefined
}

/** Waits before the second, third … try of a call that is safe to repeat. */
const retryDelaysMs = [50, 200, 800]

/**
 * Opens a client for the store at an URL such as `http://store:50051`. Connects with the first call, again whenever
 * needed, and pings idle connections so that a dead peer is noticed within 20 s.
 *
 * Calls reject with a ConnectError; `storeErrorDetail` reads what is wrong. A call whose proto says that it has no
 * side effects or is idempotent is tried up to four times while the store is UNAVAILABLE; other calls once. Any call is tried
 * again that came over a connection which the store was closing: the store has not read it.
 */
export function connectStore(url: string, options: StoreClientOptions = {}): StoreClient {
  const sessionManager = new StoreSessions(url, { pingIntervalMs: 10_000, pingTimeoutMs: 10_000 })
  const open = (mode: Mode | undefined): Transport =>
    createGrpcTransport({
      baseUrl: url,
      sessionManager,
      defaultTimeoutMs: options.timeoutMs ?? 10_000,
      interceptors: [
        ...(options.traced ? [options.traced] : []),
        ...(options.token ? [setHeader('authorization', `Bearer ${options.token}`)] : []),
        ...(mode ? [setHeader(modeHeader, mode)] : []),
        retry,
      ],
    })
  const close = async () => sessionManager.abort()
  const both: StoreClient = clientOver(open(undefined), mode => (mode ? inMode[mode] : both), close)
  const inMode = {
    live: clientOver(open('live'), both.inMode, close),
    test: clientOver(open('test'), both.inMode, close),
  } as const satisfies Record<Mode, StoreClient>
  return both
}

function clientOver(
  transport: Transport,
  inMode: StoreClient['inMode'],
  close: () => Promise<void>,
): StoreClient {
  return {
    inMode,
    [Symbol.asyncDispose]: close,
    organizations: createClient(OrganizationService, transport),
    members: createClient(MemberService, transport),
    passkeys: createClient(PasskeyService, transport),
    tenants: createClient(TenantService, transport),
    sources: createClient(SourceService, transport),
    destinations: createClient(DestinationService, transport),
    routes: createClient(RouteService, transport),
    events: createClient(EventService, transport),
    deliveries: createClient(DeliveryService, transport),
    attempts: createClient(AttemptService, transport),
    issues: createClient(IssueService, transport),
    retries: createClient(RetryService, transport),
    usage: createClient(UsageService, transport),
    replays: createClient(ReplayService, transport),
    rejections: createClient(RejectionService, transport),
    apiKeys: createClient(ApiKeyService, transport),
    notifications: createClient(NotificationService, transport),
    audit: createClient(AuditService, transport),
    platform: createClient(PlatformService, transport),
    ledger: createClient(LedgerService, transport),
    revenue: createClient(RevenueService, transport),
    stripeConnect: createClient(StripeConnectService, transport),
  }
}

/** The store's own error, or undefined if the error didn't come from the store (a broken connection, a deadline). */
export function storeErrorDetail(error: unknown): ErrorDetail | undefined {
  return error instanceof ConnectError ? error.findDetails(ErrorDetailSchema)[0] : undefined
}

function setHeader(name: string, value: string): Interceptor {
  return next => request => {
    request.header.set(name, value)
    return next(request)
  }
}

/** UNAVAILABLE is the one status that means "the same call may work in a moment": https://grpc.io/docs/guides/status-codes/ */
const retry: Interceptor = next => async request => {
  const repeatable = request.method.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN
  for (const delayMs of request.stream ? [] : retryDelaysMs) {
    try {
      return await next(request)
    } catch (error) {
      const { code, cause } = ConnectError.from(error)
      if (!(repeatable && code === Code.Unavailable) && !isRefusedUnread(cause)) throw error
      await wait(delayMs, undefined, { signal: request.signal }).catch(() => {
        throw error
      })
    }
  }
  return await next(request)
}

/**
 * Whether the store has refused the stream of a call: it was closing the connection, as it does when it stops, and has read nothing of
 * the call (RFC 9113, 8.7). Node tells which code a stream was closed with in the text of its error alone.
 */
const isRefusedUnread = (cause: unknown): boolean =>
  cause instanceof Error &&
  'code' in cause &&
  cause.code === 'ERR_HTTP2_STREAM_ERROR' &&
  cause.message.includes('NGHTTP2_REFUSED_STREAM')
