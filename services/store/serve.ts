import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Http2ServerResponse, type ServerHttp2Session } from 'node:http2'
import type { Interceptor } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { ApiKeyService } from '@fairlead/wire/store/api_key'
import { AttemptService } from '@fairlead/wire/store/attempt'
import { AuditService } from '@fairlead/wire/store/audit'
import { DeliveryService } from '@fairlead/wire/store/delivery'
import { DestinationService } from '@fairlead/wire/store/destination'
import { file_fairlead_store_v1_error } from '@fairlead/wire/store/error'
import { EventService } from '@fairlead/wire/store/event'
import { IssueService } from '@fairlead/wire/store/issue'
import { LedgerService } from '@fairlead/wire/store/ledger'
import { MemberService } from '@fairlead/wire/store/member'
import { NotificationService } from '@fairlead/wire/store/notification'
import { OrganizationService } from '@fairlead/wire/store/organization'
import { PasskeyService } from '@fairlead/wire/store/passkey'
import { PlatformService } from '@fairlead/wire/store/platform'
import { RejectionService } from '@fairlead/wire/store/rejection'
import { ReplayService } from '@fairlead/wire/store/replay'
import { RetryService } from '@fairlead/wire/store/retry'
import { RevenueService } from '@fairlead/wire/store/revenue'
import { RouteService } from '@fairlead/wire/store/route'
import { SourceService } from '@fairlead/wire/store/source'
import { StripeConnectService } from '@fairlead/wire/store/stripe_connect'
import { TenantService } from '@fairlead/wire/store/tenant'
import { UsageService } from '@fairlead/wire/store/usage'
import { answerErrors, type CallMetrics } from './answer-errors.ts'
import { apiKeyCalls } from './calls/api-keys.ts'
import { attemptCalls } from './calls/attempts.ts'
import { auditCalls } from './calls/audit.ts'
import type { Calls } from './calls/calls.ts'
import { deliveryCalls } from './calls/deliveries.ts'
import { destinationCalls } from './calls/destinations.ts'
import { eventCalls } from './calls/events.ts'
import { issueCalls } from './calls/issues.ts'
import { ledgerCalls } from './calls/ledger.ts'
import { memberCalls } from './calls/members.ts'
import { notificationCalls } from './calls/notifications.ts'
import { organizationCalls } from './calls/organizations.ts'
import { passkeyCalls } from './calls/passkeys.ts'
import { platformCalls } from './calls/platform.ts'
import { rejectionCalls } from './calls/rejections.ts'
import { replayCalls } from './calls/replays.ts'
import { retryCalls } from './calls/retries.ts'
import { revenueCalls } from './calls/revenue.ts'
import { routeCalls } from './calls/routes.ts'
import { sourceCalls } from './calls/sources.ts'
import { stripeConnectCalls } from './calls/stripe-connect.ts'
import { tenantCalls } from './calls/tenants.ts'
import { usageCalls } from './calls/usage.ts'
import { serveReflection } from './reflection.ts'

export interface ServeOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly metrics: CallMetrics
  /** Where calls have spans: `traceAnswers`. */
  readonly traced?: Interceptor | undefined
  /** Who doesn't present it is not answered, before a byte of the message is read. Absent: everyone is. */
  readonly token?: string | undefined
}

export interface StoreServer extends AsyncDisposable {
  readonly port: number
}

const services = [
  OrganizationService,
  MemberService,
  PasskeyService,
  TenantService,
  SourceService,
  DestinationService,
  RouteService,
  EventService,
  DeliveryService,
  AttemptService,
  IssueService,
  UsageService,
  RetryService,
  ReplayService,
  RejectionService,
  ApiKeyService,
  NotificationService,
  AuditService,
  PlatformService,
  LedgerService,
  RevenueService,
  StripeConnectService,
]

/** A caller's deadline counts; none is longer than this. */
const maxTimeoutMs = 60_000
/** The largest request is an organization with thousands of sources and their secrets. */
const maxRequestBytes = 32 * 1024 ** 2

/** Serves gRPC over cleartext HTTP/2. Disposing lets calls in flight end, then closes. */
export async function serve(calls: Calls, options: ServeOptions): Promise<StoreServer> {
  const sessions = new Set<ServerHttp2Session>()
  const answer = connectNodeAdapter({
    grpcWeb: false,
    connect: false,
    maxTimeoutMs,
    readMaxBytes: maxRequestBytes,
    interceptors: [...(options.traced ? [options.traced] : []), answerErrors(options.metrics, calls.log)],
    routes(router) {
      router.service(OrganizationService, organizationCalls(calls))
      router.service(MemberService, memberCalls(calls))
      router.service(PasskeyService, passkeyCalls(calls))
      router.service(TenantService, tenantCalls(calls))
      router.service(SourceService, sourceCalls(calls))
      router.service(DestinationService, destinationCalls(calls))
      router.service(RouteService, routeCalls(calls))
      router.service(EventService, eventCalls(calls))
      router.service(DeliveryService, deliveryCalls(calls))
      router.service(AttemptService, attemptCalls(calls))
      router.service(IssueService, issueCalls(calls))
      router.service(UsageService, usageCalls(calls))
      router.service(RetryService, retryCalls(calls))
      router.service(ReplayService, replayCalls(calls))
      router.service(RejectionService, rejectionCalls(calls))
      router.service(ApiKeyService, apiKeyCalls(calls))
      router.service(NotificationService, notificationCalls(calls))
      router.service(AuditService, auditCalls(calls))
      router.service(PlatformService, platformCalls(calls))
      router.service(LedgerService, ledgerCalls(calls))
      router.service(RevenueService, revenueCalls(calls))
      router.service(StripeConnectService, stripeConnectCalls(calls))
      serveReflection(router, services, [file_fairlead_store_v1_error])
    },
  })
  const isAllowed = openDoor(options.token)
  const server = createServer((request, response) =>
    isAllowed(request.headers.authorization) ? answer(request, response) : refuseCaller(response),
  )
  server.on('session', session => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
  })
  server.listen(options.port, options.host)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const session of sessions) session.close()
      await closed
    },
  }
}

/** Compared in constant time, as digests: of two texts of different length nothing is told either. */
function openDoor(token: string | undefined): (authorization: string | undefined) => boolean {
  if (token === undefined) return () => true
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const wanted = digest(`Bearer ${token}`)
  return (authorization = '') => timingSafeEqual(digest(authorization), wanted)
}

/** gRPC's answer without a message: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses */
function refuseCaller(response: Http2ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'application/grpc',
    'grpc-status': '16',
    'grpc-message': 'this store asks for a token',
  })
  response.end()
}
