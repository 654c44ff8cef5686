import { createHash } from 'node:crypto'
import { z } from 'zod'

/** A passkey as the API names it: `pky_…`, a digest of the id that its authenticator chose, which may have a thousand bytes. */
export const passkeyIdOf = (credentialId: Uint8Array): string =>
  `pky_${createHash('sha256').update(credentialId).digest('hex').slice(0, 24)}`

/** What a browser answers with (`PublicKeyCredential.toJSON()`): `relying-party.ts` reads the rest of it. */
export const credentialSchema = z
  .looseObject({
    id: z.string().regex(/^[A-Za-z0-9_-]{1,1364}$/),
    rawId: z.string().max(1_364),
    type: z.literal('public-key'),
    response: z.looseObject({ clientDataJSON: z.string().max(4_096) }),
    clientExtensionResults: z.looseObject({}),
  })
  .meta({ description: 'As the browser gives it: `credential.toJSON()`.' })

/** The id in a browser's answer, as bytes. */
export const credentialIdIn = ({ id }: z.infer<typeof credentialSchema>): Buffer =>
  Buffer.from(id, 'base64url')
