import type { SchemeConfig } from './scheme.ts'

/*
 * The names of all schemes and the options of each, as types: an editor completes them, and a misspelt option is an error of
 * the compiler instead of a 401. A test compares both with the table.
 */

export const providerNames = [
  'adyen',
  'adyen-platform',
  'airtable',
  'anthropic',
  'asana',
  'aws-sns',
  'bigcommerce',
  'bitbucket',
  'box',
  'braintree',
  'buildkite',
  'calendly',
  'chargebee',
  'circleci',
  'clerk',
  'cloudevents',
  'cloudinary',
  'coinbase-commerce',
  'contentful',
  'discord',
  'docker-hub',
  'docusign',
  'dropbox',
  'elevenlabs',
  'github',
  'gitlab-signing-token',
  'gitlab-token',
  'gocardless',
  'google-pubsub-oidc',
  'heroku',
  'hubspot-v1',
  'hubspot-v2',
  'hubspot-v3',
  'intercom',
  'jira',
  'lemonsqueezy',
  'line',
  'linear',
  'liveblocks',
  'livekit',
  'mailgun',
  'messagebird',
  'meta',
  'microsoft-graph',
  'mollie',
  'mollie-next-gen',
  'mux',
  'netlify',
  'notion',
  'okta',
  'openai',
  'paddle',
  'pagerduty',
  'paypal',
  'pipedrive',
  'plaid',
  'plivo',
  'polar',
  'postmark',
  'pusher',
  'quickbooks',
  'razorpay',
  'replicate',
  'resend',
  'sanity',
  'sendgrid',
  'sentry',
  'shopify',
  'slack',
  'square',
  'standard-webhooks',
  'standard-webhooks-v1a',
  'stripe',
  'supabase-auth-hooks',
  'svix',
  'telegram',
  'telnyx',
  'trello',
  'twilio',
  'twitch',
  'typeform',
  'upstash-qstash',
  'vercel',
  'vercel-log-drain',
  'vonage-messages',
  'webflow',
  'woocommerce',
  'workos',
  'x',
  'xero',
  'zendesk',
  'zoom',
] as const

export type ProviderName = (typeof providerNames)[number]

/** Keys by their id, as PEM or JWK, or a JWKS. */
type Keys = Readonly<Record<string, unknown>>

/** Options of the providers that have any. */
export interface ProviderOptions {
  readonly 'aws-sns': { readonly topicArn?: string; readonly certPem?: string }
  readonly braintree: { readonly publicKey: string }
  readonly cloudevents: { readonly allowedOrigins?: readonly string[] }
  readonly cloudinary: { readonly algorithm?: 'sha1' | 'sha256' }
  readonly contentful: { readonly path?: string }
  readonly 'docker-hub': { readonly acceptUnsigned: true }
  readonly 'google-pubsub-oidc': { readonly audience: string; readonly email?: string; readonly certs?: Keys }
  readonly livekit: { readonly apiKey: string }
  readonly meta: { readonly verifyToken?: string }
  readonly mollie: { readonly acceptUnsigned: true }
  readonly okta: { readonly header?: string }
  readonly paypal: { readonly webhookId: string; readonly certPem?: string }
  readonly plaid: {
    readonly clientId?: string
    readonly plaidSecret?: string
    readonly environment?: 'production' | 'sandbox'
    readonly jwks?: Keys
  }
  readonly 'upstash-qstash': { readonly nextSecrets?: readonly string[] }
  readonly 'vercel-log-drain': { readonly verify?: string }
}

/** Providers that need no secret from the user: the provider publishes its keys, or signs nothing. */
type Secretless = 'aws-sns' | 'docker-hub' | 'google-pubsub-oidc' | 'mollie' | 'paypal' | 'plaid'

type OptionsOf<P extends ProviderName> = P extends keyof ProviderOptions
  ? Partial<ProviderOptions[P]> extends ProviderOptions[P]
    ? { readonly options?: ProviderOptions[P] }
    : { readonly options: ProviderOptions[P] }
  : { readonly options?: never }

type SecretsOf<P extends ProviderName> = P extends Secretless
  ? { readonly secrets?: never }
  : { readonly secrets: readonly string[] }

/** A source's configuration where `provider` says which options there are, and whether secrets are needed. */
export type SourceOf<P extends ProviderName> = { readonly provider: P } & OptionsOf<P> &
  SecretsOf<P> &
  Pick<SchemeConfig, 'toleranceSeconds'>

/** A SchemeConfig, checked by the compiler against its provider. At run time openScheme checks the same. */
export function defineSource<const P extends ProviderName>(source: SourceOf<P>): SchemeConfig {
  return { secrets: [], ...source } as SchemeConfig
}
