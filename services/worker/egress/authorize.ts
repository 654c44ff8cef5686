import type { ClientCertificate } from './dial.ts'
import {
  type Caller,
  openTokens,
  type TokenFailure,
  type TokenGrant,
  type TokenOptions,
  type TokenResult,
} from './token.ts'

/** What a destination asks for to let a delivery in. Several go together: mTLS and a bearer token, say. */
export type DestinationAuth =
  | {
      readonly kind: 'headers'
      readonly headers: readonly { readonly name: string; readonly value: string }[]
    }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }
  | ({ readonly kind: 'mtls' } & ClientCertificate)
  | ({ readonly kind: 'oauth2' } & TokenGrant)

export type Authorization =
  | {
      readonly kind: 'authorized'
      /** Names and values in turn, to be added to the delivery's own. */
      readonly headers: readonly string[]
      readonly tls: ClientCertificate | undefined
    }
  /** No access token. */
  | TokenFailure

export interface Authorizer extends Disposable {
  /**
   * What a delivery needs to be let in. A promise only where a token must be fetched first. Give the same array for a
   * destination as long as its settings are the same: what follows from it is kept with it.
   *
   * @throws what `caller.signal` was aborted with while waiting for a token; an AbortError once disposed
   */
  authorize(auths: readonly DestinationAuth[], caller: Caller): Authorization | Promise<Authorization>
  /** The destination answered 401 to what was authorized: a token that it no longer takes is not used again. */
  refused(auths: readonly DestinationAuth[], owner: string): void
}

type Authorized = Extract<Authorization, { kind: 'authorized' }>

/** What of a destination's settings doesn't change. */
interface Prepared {
  readonly fixed: Authorized
  readonly grant: TokenGrant | undefined
}

export function openAuthorizer(options: TokenOptions): Authorizer {
  const prepared = new WeakMap<readonly DestinationAuth[], Prepared>()
  const tokens = openTokens(options)
  const prepare = (auths: readonly DestinationAuth[]): Prepared => {
    let known = prepared.get(auths)
    if (!known) {
      known = prepareAll(auths)
      prepared.set(auths, known)
    }
    return known
  }
  return {
    authorize(auths, caller) {
      const { fixed, grant } = prepare(auths)
      if (!grant) return fixed
      const token = tokens.get(grant, caller)
      return token instanceof Promise ? token.then(got => withToken(fixed, got)) : withToken(fixed, token)
    },
    refused(auths, owner) {
      const { grant } = prepare(auths)
      if (grant) tokens.forget(grant, owner)
    },
    [Symbol.dispose]: () => tokens[Symbol.dispose](),
  }
}

function withToken(fixed: Authorized, token: TokenResult): Authorization {
  if (token.kind === 'failed') return token
  return { ...fixed, headers: [...fixed.headers, 'authorization', `Bearer ${token.token}`] }
}

function prepareAll(auths: readonly DestinationAuth[]): Prepared {
  const headers: string[] = []
  let tls: ClientCertificate | undefined
  let grant: TokenGrant | undefined
  for (const auth of auths) {
    switch (auth.kind) {
      case 'headers':
        for (const { name, value } of auth.headers) headers.push(name, value)
        break
      case 'basic':
        headers.push('authorization', basic(auth.username, auth.password))
        break
      case 'bearer':
        headers.push('authorization', `Bearer ${auth.token}`)
        break
      case 'mtls':
        tls = { certPem: auth.certPem, keyPem: auth.keyPem }
        break
      case 'oauth2':
        grant = auth
        break
      default:
        auth satisfies never
    }
  }
  return { fixed: { kind: 'authorized', headers, tls }, grant }
}

/** RFC 7617; in UTF-8, as its `charset` says. */
function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}
