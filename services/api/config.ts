import { needs } from '@fairlead/daemon/config'
import { drainDelayMs } from '@fairlead/daemon/leave'
import { openTrustedProxies } from '@fairlead/daemon/peer'
import { tracingEnvironment } from '@fairlead/telemetry/environment'
import { storeTokenEnvironment } from '@fairlead/wire/environment'
import { z } from 'zod'
import { readSignInKeys } from './auth/keys.ts'
import { readStaff } from './auth/people.ts'
import { readOrigins } from './cors.ts'
import { grantScopes } from './stripe-connect/oauth.ts'

const apiEnvironment = z.object({
  FAIRLEAD_STORE_URL: z.url().describe("the store's gRPC address, such as http://store:50051"),
  ...storeTokenEnvironment,
  ...tracingEnvironment,
  FAIRLEAD_API_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(8081)
    .describe('where the API answers'),
  FAIRLEAD_API_HOST: z.string().default('0.0.0.0').describe('the address to listen on'),
  FAIRLEAD_DRAIN_DELAY_MS: drainDelayMs,
  FAIRLEAD_PUBLIC_URL: z
    .url()
    .optional()
    .describe(
      "scheme, host and port as providers see them, where a source's option publicUrl says nothing else; explains refusals of schemes that sign their URL",
    ),
  FAIRLEAD_TRUSTED_PROXIES: z
    .string()
    .default('')
    .refine(text => openTrustedProxies(text) !== undefined, 'addresses and CIDR ranges, comma-separated')
    .describe(
      'addresses and CIDR ranges of proxies that are believed: their X-Forwarded-For tells who calls; none by default',
    ),
  FAIRLEAD_REDIS_URL: z
    .string()
    .optional()
    .describe(
      'redis:// or rediss://, Redis 6.2 or newer or Valkey, with maxmemory-policy noeviction: keeps sessions of people; without it nobody signs in, and API keys are all there is',
    ),
  FAIRLEAD_CONSOLE_URL: z
    .url()
    .refine(isSafeToSignInAt, 'https, or http on loopback: a session would travel in the clear')
    .optional()
    .describe(
      'scheme, host and port under which people reach API and console; links in mails begin with it; without it nobody signs in',
    ),
  FAIRLEAD_CONSOLE_FOLDER: z
    .string()
    .optional()
    .describe(
      'the folder of the built console, which the image has; may come to be there later; without it `/` answers 404',
    ),
  FAIRLEAD_SIGN_IN_KEYS: z
    .string()
    .refine(text => readSignInKeys(text) !== undefined, 'id:base64 of 32 bytes, comma-separated')
    .optional()
    .describe(
      'id:base64 of 32 bytes, comma-separated, the newest first: codes in mails and tokens of tools are signed with keys made from it; a new one goes first, the old one stays an hour; without it nobody signs in',
    ),
  FAIRLEAD_SMTP_URL: z
    .url({ protocol: /^smtps?$/ })
    .optional()
    .describe(
      'smtp://user:password@host:587 or smtps://…:465, through which mails go out; without it they are kept in memory and shown to superadmins at /auth/mails',
    ),
  FAIRLEAD_MAIL_FROM: z
    .string()
    .max(320)
    .regex(/^[^\r\n]+$/, 'one line')
    .default('Fairlead <fairlead@localhost>')
    .describe('whom mails come from'),
  FAIRLEAD_SIMULATOR_RECEIVER_URL: z
    .url()
    .optional()
    .describe(
      "scheme, host and port of the receiver as the API reaches it: the console's simulator sends there, to demo sources alone; without it there is no simulator",
    ),
  FAIRLEAD_OIDC_ISSUER: z
    .url()
    .optional()
    .describe(
      'issuer of an OpenID Connect provider that people may sign in with, such as https://login.example.com; none by default',
    ),
  FAIRLEAD_OIDC_CLIENT_ID: z.string().default('fairlead').describe('what Fairlead is called there'),
  FAIRLEAD_OIDC_CLIENT_SECRET: z.string().default('').describe('its secret there; needed with an issuer'),
  FAIRLEAD_OIDC_NAME: z
    .string()
    .max(50)
    .default('your organization')
    .describe('what people call the provider, on the sign-in page'),
  FAIRLEAD_PLATFORM_STAFF: z
    .string()
    .default('')
    .refine(text => readStaff(text) !== undefined, 'address=superadmin or address=support, comma-separated')
    .describe(
      'staff of the platform, comma-separated: `ada@example.com=superadmin, bob@example.com=support`; nobody by default. Who adds a passkey, at /auth/account/passkeys, is signed in by mail alone no more',
    ),
  FAIRLEAD_TENANT_ACCOUNTS: z
    .enum(['true', 'false'])
    .default('false')
    .describe(
      'true: people register organizations of their own and sign in by a password, at /api/v1/auth/tenants/, where people can sign in at all. false: these paths answer 404, and no password exists',
    ),
  FAIRLEAD_TENANT_WEBHOOK_LIMIT: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000_000_000_000)
    .default(10_000)
    .describe(
      'events a calendar month (UTC) that an organization may accept which registered itself; staff changes it for one organization by its webhookLimit',
    ),
  FAIRLEAD_STRIPE_CONNECT_CLIENT_ID: z
    .string()
    .regex(/^ca_[A-Za-z0-9_]{1,100}$/, 'ca_…')
    .optional()
    .describe(
      "the platform's client id at Stripe, ca_…: organizations connect their Stripe accounts; the redirect URI to name at Stripe is FAIRLEAD_CONSOLE_URL/connect/stripe/callback. Without it there is no Stripe Connect",
    ),
  FAIRLEAD_STRIPE_CONNECT_SECRET_KEY: z
    .string()
    .max(500)
    .default('')
    .describe("the platform's secret key at Stripe, sk_…; needed with a client id"),
  FAIRLEAD_STRIPE_CONNECT_SCOPE: z
    .enum(grantScopes)
    .default('read_only')
    .describe('what organizations grant the platform; events come with either'),
  FAIRLEAD_STRIPE_CONNECT_URL: z
    .url()
    .refine(isSafeToSignInAt, 'https, or http on loopback: the secret key would travel in the clear')
    .default('https://connect.stripe.com')
    .describe("where Stripe's OAuth answers"),
  FAIRLEAD_API_RATE_PER_SECOND: z.coerce
    .number()
    .positive()
    .default(50)
    .describe(
      'requests a second that one key or session may make; of all processes together where they share a Redis',
    ),
  FAIRLEAD_API_RATE_BURST: z.coerce
    .number()
    .int()
    .min(1)
    .default(200)
    .describe('requests that one key or session may make at once'),
  FAIRLEAD_API_CORS_ORIGINS: z
    .string()
    .default('')
    .refine(text => readOrigins(text) !== undefined, '* alone, or origins, comma-separated, without a path')
    .describe(
      'origins whose pages may call the API from a browser, with a key or token and never with cookies: `https://app.example.com, https://tools.example.com`, or `*` for all; none by default',
    ),
  FAIRLEAD_API_STREAM_HEARTBEAT_SECONDS: z.coerce
    .number()
    .min(1)
    .max(60)
    .default(15)
    .describe(
      'how often a live stream says that it lives, and ends if its caller lost the right to it; proxies cut silent connections after some time',
    ),
  FAIRLEAD_API_MAX_CONNECTIONS: z.coerce.number().int().min(1).default(2_000).describe('open connections'),
})

function isSafeToSignInAt(text: string): boolean {
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
}

/** The secret key of Stripe Connect, which a client id needs. */
export const needsStripeKey = needs('FAIRLEAD_STRIPE_CONNECT_CLIENT_ID', 'FAIRLEAD_STRIPE_CONNECT_SECRET_KEY')

/** What the API reads from the environment: name → unit, default, reason. */
export const apiConfig = apiEnvironment
  .superRefine(needsStripeKey)
  .superRefine(needs('FAIRLEAD_OIDC_ISSUER', 'FAIRLEAD_OIDC_CLIENT_SECRET'))

export type ApiConfig = z.infer<typeof apiConfig>
