import type { Configuration } from 'openid-client'

/** A provider of identities by OpenID Connect, found by its issuer. */
export interface OidcOptions {
  readonly issuer: URL
  readonly clientId: string
  readonly clientSecret: string
  /** Where the provider sends people back to. */
  readonly redirectUri: string
}

export interface OidcProvider {
  /** Where the person goes, and what is kept until the person is back. */
  begin(): Promise<{ readonly url: URL; readonly pending: Pending }>
  /** Throws for whatever isn't the answer to `pending`. */
  finish(callback: URL, pending: Pending): Promise<Identity>
}

export interface Pending {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

/** Who somebody is to the provider: the issuer and the subject together, never the address. */
export interface Identity {
  readonly issuer: string
  readonly subject: string
  readonly email: string
  readonly isEmailVerified: boolean
  readonly name: string | undefined
}

/** Loaded with the first sign-in. */
const library = () => import('openid-client')

/** Asks the provider for its endpoints at the first sign-in, and again after a failure. Plain http is taken on loopback alone. */
export function openOidc(options: OidcOptions): OidcProvider {
  let found: Promise<Configuration> | undefined
  const isLoopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(options.issuer.hostname)

  async function discover(): Promise<Configuration> {
    const client = await library()
    return await client.discovery(options.issuer, options.clientId, options.clientSecret, undefined, {
      timeout: 10,
      ...(isLoopback && { execute: [client.allowInsecureRequests] }),
    })
  }

  function configuration(): Promise<Configuration> {
    found ??= discover().catch((error: unknown) => {
      found = undefined
      throw error
    })
    return found
  }

  return {
    async begin() {
      const client = await library()
      const pending = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        verifier: client.randomPKCECodeVerifier(),
      }
      const url = client.buildAuthorizationUrl(await configuration(), {
        redirect_uri: options.redirectUri,
        scope: 'openid email profile',
        response_type: 'code',
        code_challenge: await client.calculatePKCECodeChallenge(pending.verifier),
        code_challenge_method: 'S256',
        state: pending.state,
        nonce: pending.nonce,
      })
      return { url, pending }
    },
    async finish(callback, { state, nonce, verifier }) {
      const client = await library()
      const tokens = await client.authorizationCodeGrant(await configuration(), callback, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      })
      const claims = tokens.claims()
      if (!claims) throw new TypeError('the provider sent no ID token')
      return {
        issuer: claims.iss,
        subject: claims.sub,
        email: typeof claims.email === 'string' ? claims.email : '',
        isEmailVerified: claims.email_verified === true,
        name: typeof claims.name === 'string' ? claims.name.slice(0, 200) : undefined,
      }
    },
  }
}
