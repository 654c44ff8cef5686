import type { Log } from '@fairlead/daemon/log'
import type { StoreClient } from '@fairlead/wire/store-client'
import type { Redis } from 'ioredis'
import type { SignInKeys } from './keys.ts'
import { type Limits, openLimits } from './limits.ts'
import { openTickets, type Tickets } from './link/tickets.ts'
import { type KeptMails, openKeptMails } from './mail/kept.ts'
import type { Mailer } from './mail/mail.ts'
import { openQueue, type Queue } from './mail/queue.ts'
import { openSmtp } from './mail/smtp.ts'
import { type OidcProvider, openOidc } from './oidc/provider.ts'
import { type Challenges, openChallenges } from './passkeys/challenges.ts'
import { openRelyingParty, type RelyingParty } from './passkeys/relying-party.ts'
import type { StaffList } from './people.ts'
import { type Cookies, openCookies } from './sessions/cookie.ts'
import { openSessions, type Sessions } from './sessions/sessions.ts'
import type { TenantAccounts } from './tenants/accounts.ts'
import { type Devices, openDevices } from './tokens/device.ts'
import { type AccessTokens, openAccessTokens } from './tokens/jwt.ts'
import { openRefreshTokens, type RefreshTokens } from './tokens/refresh.ts'

/** All that signing people in needs; absent where the API has no Redis, no keys or no address of its own. */
export interface SignIn {
  /** Scheme, host and port under which people reach the API and the console. */
  readonly publicUrl: URL
  readonly cookies: Cookies
  readonly sessions: Sessions
  readonly staff: StaffList
  readonly keys: SignInKeys
  readonly limits: Limits
  readonly tickets: Tickets
  readonly devices: Devices
  readonly challenges: Challenges
  /** Absent where people reach the platform by an address: passkeys are bound to a name. */
  readonly relyingParty: RelyingParty | undefined
  readonly accessTokens: AccessTokens
  readonly refreshTokens: RefreshTokens
  /** Absent: no provider of identities is configured. */
  readonly oidc: NamedOidc | undefined
  /** Absent: this platform has no accounts with passwords. */
  readonly tenants: TenantAccounts | undefined
  readonly mailer: Mailer
  /** Absent where mails go out by SMTP. */
  readonly keptMails: KeptMails | undefined
  readonly queue: Queue
  readonly redis: Redis
  readonly store: StoreClient
  readonly log: Log
}

/** A provider, and what people call it. */
export type NamedOidc = OidcProvider & { readonly name: string }

export interface SignInOptions {
  readonly redis: Redis
  readonly publicUrl: URL
  readonly keys: SignInKeys
  readonly staff: StaffList
  readonly smtp: { readonly url: string; readonly from: string } | undefined
  readonly oidc?:
    | {
        readonly issuer: string
        readonly clientId: string
        readonly clientSecret: string
        readonly name: string
      }
    | undefined
  readonly tenants?: TenantAccounts | undefined
  readonly store: StoreClient
  readonly log: Log
}

export function openSignIn(options: SignInOptions): SignIn & AsyncDisposable {
  const { redis, publicUrl, keys, smtp, log } = options
  const keptMails = smtp ? undefined : openKeptMails()
  const mailer = smtp ? openSmtp(smtp.url, smtp.from) : keptMails!
  const queue = openQueue(err => log.warn({ err }, 'mail.failed'))
  const limits = openLimits(redis)
  return {
    ...options,
    cookies: openCookies(publicUrl),
    sessions: openSessions(redis),
    limits,
    tickets: openTickets(redis, keys, limits),
    devices: openDevices(redis),
    challenges: openChallenges(redis),
    tenants: options.tenants,
    relyingParty: openRelyingParty(publicUrl),
    accessTokens: openAccessTokens(keys, publicUrl.origin),
    refreshTokens: openRefreshTokens(redis, keys),
    oidc: options.oidc && openNamedOidc(options.oidc, publicUrl),
    mailer,
    keptMails,
    queue,
    async [Symbol.asyncDispose]() {
      await queue[Symbol.asyncDispose]()
      mailer[Symbol.dispose]()
    },
  }
}

function openNamedOidc(
  { issuer, name, ...client }: NonNullable<SignInOptions['oidc']>,
  publicUrl: URL,
): NamedOidc {
  const redirectUri = new URL('/auth/oidc/callback', publicUrl).href
  return { ...openOidc({ ...client, issuer: new URL(issuer), redirectUri }), name }
}
