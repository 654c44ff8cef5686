import { z } from 'zod'
import { WireError } from './wire-error.ts'

/**
 * The credentials that a destination demands of a delivery, beside Fairlead's own signature. Several go together (mTLS and a
 * bearer token). Sealed as a whole: nothing in it is of use without the rest.
 */
const auth = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('basic'), username: z.string(), password: z.string() }),
  z.object({ kind: z.literal('bearer'), token: z.string() }),
  /** A client certificate and its key in PEM. */
  z.object({ kind: z.literal('mtls'), certPem: z.string(), keyPem: z.string() }),
  /** OAuth 2.0 client credentials (RFC 6749, 4.4). */
  z.object({
    kind: z.literal('oauth2'),
    tokenUrl: z.url(),
    clientId: z.string(),
    clientSecret: z.string(),
    scopes: z.array(z.string()).optional(),
    audience: z.string().optional(),
    credentialsIn: z.enum(['header', 'body']).optional(),
  }),
])

export const destinationAuth = z.array(auth).max(4)

export type DestinationAuthentication = z.infer<typeof auth>

/** Throws a WireError `config_unreadable`, which doesn't tell what it read. */
export function decodeDestinationAuth(text: string): DestinationAuthentication[] {
  try {
    return destinationAuth.parse(JSON.parse(text))
  } catch {
    throw new WireError('config_unreadable', "a destination's authentication can't be read")
  }
}
