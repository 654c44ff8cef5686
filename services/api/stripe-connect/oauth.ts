import { z } from 'zod'

/**
 * Stripe's OAuth for Connect (https://docs.stripe.com/connect/oauth-reference): where the owner of an account goes, and what we ask
 * Stripe then. Its tokens are not kept: all we want is to know whose account it is, and its events come by webhook.
 */
export interface StripeOauth {
  /** Where the browser goes. @param state comes back with the answer */
  authorizeUrl(state: string, redirectUri: string): URL
  /** Takes a code for the account. Undefined: Stripe refuses the code. Throws a StripeAwayError. */
  exchange(code: string): Promise<Granted | undefined>
  /** Ends the access to an account; one that has none is as good. Throws a StripeAwayError. */
  deauthorize(account: string): Promise<void>
}

export interface Granted {
  readonly account: string
  readonly scope: Scope
  readonly livemode: boolean
}

export const grantScopes = ['read_only', 'read_write'] as const
type Scope = (typeof grantScopes)[number]

interface StripeOauthOptions {
  /** Scheme, host and port. */
  readonly url: URL
  readonly clientId: string
  /** The platform's secret key. */
  readonly secretKey: string
  readonly scope: Scope
}

/** Stripe was not reached, did not answer in time, or with something else than is documented. */
export class StripeAwayError extends Error {
  override readonly name = 'StripeAwayError'
}

const timeoutMs = 10_000
/** The documented answers have some hundred bytes. */
const maxAnswerBytes = 64 * 1024

const grantedSchema = z.object({
  stripe_user_id: z.string().regex(/^acct_[A-Za-z0-9]{1,64}$/),
  scope: z.enum(grantScopes),
  livemode: z.boolean(),
  token_type: z.literal('bearer'),
})
const refusedSchema = z.object({ error: z.string() })

export function openStripeOauth({ url, clientId, secretKey, scope }: StripeOauthOptions): StripeOauth {
  async function post(path: string, fields: Readonly<Record<string, string>>) {
    try {
      const response = await fetch(new URL(path, url), {
        method: 'POST',
        // A redirect would carry the secret key elsewhere.
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          authorization: `Bearer ${secretKey}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: new URLSearchParams(fields).toString(),
      })
      return { status: response.status, body: JSON.parse(await readBounded(response)) as unknown }
    } catch (cause) {
      throw new StripeAwayError('Stripe was not reached, or did not answer in JSON', { cause })
    }
  }

  return {
    authorizeUrl(state, redirectUri) {
      const target = new URL('/oauth/authorize', url)
      target.search = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        scope,
        redirect_uri: redirectUri,
        state,
      }).toString()
      return target
    },
    async exchange(code) {
      const { status, body } = await post('/oauth/token', {
        grant_type: 'authorization_code',
        code,
        client_secret: secretKey,
      })
      if (status === 200) {
        const { data } = grantedSchema.safeParse(body)
        if (!data) throw new StripeAwayError('Stripe answered without an account')
        return { account: data.stripe_user_id, scope: data.scope, livemode: data.livemode }
      }
      if (status === 400 && refusedSchema.safeParse(body).data?.error === 'invalid_grant') return undefined
      throw new StripeAwayError(`Stripe answered ${status}`)
    },
    async deauthorize(account) {
      const { status, body } = await post('/oauth/deauthorize', {
        client_id: clientId,
        stripe_user_id: account,
      })
      if (status === 200) return
      // "This application is not connected to stripe account …": there is nothing to end.
      const { data } = refusedSchema.safeParse(body)
      if (status === 401 && data?.error === 'invalid_client') return
      throw new StripeAwayError(`Stripe answered ${status}`)
    },
  }
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > maxAnswerBytes) throw new TypeError('the answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
