import type { ConnectedAccount } from '@fairlead/wire/store/stripe_connect'
import { z } from 'zod'
import { away } from '../auth/link/serve-link.ts'
import { type Call, operation } from '../operation.ts'
import { ApiError } from '../problem.ts'
import { noQuery, organizationParams } from '../query.ts'
import { presentTime, presentTimeOf, timeText } from '../time.ts'
import { grantScopes, StripeAwayError, type StripeOauth } from './oauth.ts'
import { callbackPath } from './serve-callback.ts'
import { openConnectStates, stateMs } from './states.ts'

const accountText = z
  .string()
  .regex(/^acct_[A-Za-z0-9]{1,64}$/, 'is no id of a Stripe account')
  .meta({ description: "Stripe's own id of the account.", example: 'acct_1Nv0FGQ9RKHgCVdK' })

const accountSchema = z
  .object({
    account: accountText,
    connected: z.boolean(),
    scope: z.enum(grantScopes),
    livemode: z.boolean().meta({ description: 'Whether the platform connects accounts with a live key.' }),
    connectedAt: timeText,
    disconnectedAt: timeText.nullable(),
    held: z.int().meta({
      description:
        'Events that wait for the organization: it is not active, or has used up its quota. Kept for 72 hours, at most 1,000 and 16 MiB of an account.',
    }),
  })
  .meta({ id: 'ConnectedAccount' })

/** What all of these operations are. */
const usual = {
  path: '/api/v1/organizations/{slug}/billing/connect',
  tag: 'Billing',
  partOf: 'stripe-connect',
  params: organizationParams,
} as const

const begin = operation({
  ...usual,
  method: 'post',
  name: 'beginStripeConnect',
  summary: 'Begin to connect a Stripe account',
  description:
    'For people who are signed in with a browser. That browser opens `url` within 10 minutes; Stripe asks there, and leads back. Once the account is connected, its events come to the organization as those of the source `_stripe`, and those that were held for it.',
  access: 'administer',
  keepsNoAnswer: true,
  query: noQuery,
  status: 200,
  answerDescription: 'Where to go.',
  answer: z
    .object({
      url: z.url().meta({ example: 'https://connect.stripe.com/oauth/authorize?response_type=code' }),
      expiresAt: timeText,
    })
    .meta({ id: 'BegunStripeConnect' }),
  problems: ['sign_in_off'],
  async handle(call) {
    const { caller, signIn, organization } = call
    if (!signIn) throw new ApiError('sign_in_off')
    if (caller.kind !== 'person') {
      throw new ApiError('forbidden', 'An account is connected by a person who is signed in with a browser.')
    }
    const states = openConnectStates(signIn.redis)
    const state = await away(states.begin({ sessionId: caller.sessionId, slug: organization.slug }))
    const redirectUri = new URL(callbackPath, signIn.publicUrl).href
    return {
      url: oauthOf(call).authorizeUrl(state, redirectUri).href,
      expiresAt: new Date(Date.now() + stateMs).toISOString(),
    }
  },
})

const list = operation({
  ...usual,
  method: 'get',
  name: 'listConnectedAccounts',
  summary: 'Stripe accounts that the organization has connected, or had',
  access: 'read',
  query: noQuery,
  status: 200,
  answerDescription: 'All of them, those that are connected first.',
  answer: z.object({ items: z.array(accountSchema) }),
  problems: [],
  async handle({ store, organization, signal }) {
    const asked = { organizationId: organization.id }
    const { accounts } = await store.stripeConnect.listConnectedAccounts(asked, { signal })
    return { items: accounts.map(presentAccount) }
  },
})

const disconnect = operation({
  ...usual,
  method: 'delete',
  name: 'disconnectStripeAccount',
  summary: 'Disconnect a Stripe account',
  description:
    'From the answer on none of its events reach the organization, and Stripe is told to end the access, unless another organization has connected the account since. If Stripe is away the answer is 503: it is disconnected here all the same, and asking again within an hour tells Stripe. What came before stays.',
  access: 'administer',
  keepsNoAnswer: true,
  query: z.strictObject({
    account: accountText.optional().meta({ description: 'Default: the one that is connected.' }),
  }),
  status: 204,
  answerDescription: 'It is disconnected.',
  problems: ['conflict', 'not_found'],
  async handle(call) {
    const { store, organization, query, change, write } = call
    const account = query.account ?? (await onlyAccount(call))
    const asked = { organizationId: organization.id, account }
    const { deauthorize } = await store.stripeConnect.disconnectAccount({ ...asked, change }, write)
    // Another organization has it now, or had it later: the access at Stripe is not this one's to end.
    if (!deauthorize) return undefined
    await oauthOf(call)
      .deauthorize(account)
      .catch((error: unknown) => {
        throw stripeProblem(error)
      })
    return undefined
  },
})

export const stripeConnectOperations = [begin, list, disconnect]

/** Throws an ApiError `not_found` or `conflict`. */
async function onlyAccount({ store, organization, signal }: Call): Promise<string> {
  const asked = { organizationId: organization.id }
  const { accounts } = await store.stripeConnect.listConnectedAccounts(asked, { signal })
  const connected = accounts.filter(one => !one.disconnectedAt)
  if (!connected[0]) throw new ApiError('not_found', 'No account is connected.')
  if (connected.length > 1)
    throw new ApiError('conflict', 'Several accounts are connected: name one as `account`.')
  return connected[0].account
}

/** These operations are served only where it is configured. Throws a TypeError otherwise: a fault of ours. */
function oauthOf({ stripeConnect }: Pick<Call, 'stripeConnect'>): StripeOauth {
  if (!stripeConnect) throw new TypeError('Stripe Connect is not configured here')
  return stripeConnect
}

function stripeProblem(error: unknown): unknown {
  if (!(error instanceof StripeAwayError)) return error
  return new ApiError('unavailable', 'Stripe does not answer as it should; try again.', {
    cause: error,
    retryAfterSeconds: 10,
  })
}

const presentAccount = (row: ConnectedAccount): z.input<typeof accountSchema> => ({
  account: row.account,
  connected: row.disconnectedAt === undefined,
  scope: row.scope === 'read_write' ? 'read_write' : 'read_only',
  livemode: row.livemode,
  connectedAt: presentTimeOf(row.connectedAt),
  disconnectedAt: presentTime(row.disconnectedAt),
  held: row.held,
})
