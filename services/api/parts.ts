import type { Log } from '@fairlead/daemon/log'
import type { TrustedProxies } from '@fairlead/daemon/peer'
import type { Turns } from '@fairlead/daemon/turns'
import type { StoreClient } from '@fairlead/wire/store-client'
import type { SignIn } from './auth/sign-in.ts'
import type { Authenticator } from './authenticate.ts'
import type { AllowedOrigins } from './cors.ts'
import type { ApiMetrics } from './metrics.ts'
import type { RateVerdict, TakeRate } from './rate-limit.ts'
import type { RefusalLog } from './refusal-log.ts'
import type { RequestTraces } from './request-traces.ts'
import type { OpenStreams } from './stream.ts'
import type { StripeOauth } from './stripe-connect/oauth.ts'
import type { Unsent } from './unsent.ts'

/** What the API works with. */
export interface Parts {
  readonly store: StoreClient
  /** Scheme, host and port as providers see them. */
  readonly publicUrl: string | undefined
  /** Stripe's OAuth; undefined: accounts can't be connected here. */
  readonly stripeConnect: StripeOauth | undefined
  /** Where the simulator's webhooks are sent; undefined: there is none. */
  readonly simulatorReceiverUrl: string | undefined
  readonly log: Log
  readonly metrics: ApiMetrics
  readonly trusted: TrustedProxies
  readonly authenticator: Authenticator
  /** Absent: nobody signs in here, and API keys are all there is. */
  readonly signIn: SignIn | undefined
  /** The folder of the built console; absent: there is none. */
  readonly consoleFolder: string | undefined
  /** Pages of these origins may call the API; by default of none. */
  readonly corsOrigins: AllowedOrigins
  readonly refusals: RefusalLog
  /** Writes that were begun; a process that stops waits for them, also where their clients have gone. */
  readonly underWay: Set<Promise<unknown>>
  readonly takeRate: TakeRate
  /** Of all keys of an organization together, in this process. */
  readonly takeShare: (organization: string, nowMs: number) => RateVerdict
  readonly streams: OpenStreams
  /** Explanations of refusals, each up to 1 s of processor time: one is under way at a time, and organizations take turns. */
  readonly explanations: Turns<string>
  /** Reading bodies of events and refusals, 8 MiB and more each: organizations take turns. */
  readonly bodies: Turns<string>
  readonly unsent: Unsent
  /** Spans of requests; absent: no collector is configured. */
  readonly traces: RequestTraces | undefined
  /** Aborts when the process stops: streams end then. */
  readonly stopping: AbortSignal
}
