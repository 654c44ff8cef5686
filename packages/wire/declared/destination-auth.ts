import { z } from 'zod'
import { type Rule, ruled } from './rule.ts'

const authKinds = ['basic', 'bearer', 'mtls', 'oauth2'] as const

const authRules: readonly Rule<{ readonly [Kind in (typeof authKinds)[number]]?: unknown }>[] = [
  {
    cel: `[${authKinds.map(kind => `has(self.${kind})`).join(', ')}].filter(x, x).size() == 1`,
    message: 'give one of basic, bearer, mtls and oauth2',
    faults: given => (authKinds.filter(kind => given[kind] !== undefined).length === 1 ? [] : [[]]),
  },
]

type Shape = z.core.$ZodLooseShape

/** The fields of each way that hold secrets: references in a resource, plain text in a request of the API. */
export interface AuthSecrets<
  Basic extends Shape,
  Bearer extends Shape,
  Mtls extends Shape,
  OAuth2 extends Shape,
> {
  readonly basic: Basic
  readonly bearer: Bearer
  readonly mtls: Mtls
  readonly oauth2: OAuth2
}

export const authOf = <Basic extends Shape, Bearer extends Shape, Mtls extends Shape, OAuth2 extends Shape>(
  secrets: AuthSecrets<Basic, Bearer, Mtls, OAuth2>,
) =>
  ruled(
    z.strictObject({
      basic: z
        .strictObject({
          username: z.string().min(1).max(256).describe('At most 256 characters.'),
          ...secrets.basic,
        })
        .optional()
        .describe('Authorization: Basic (RFC 7617).'),
      bearer: z
        .strictObject({ ...secrets.bearer })
        .optional()
        .describe('Authorization: Bearer.'),
      mtls: z
        .strictObject({ ...secrets.mtls })
        .optional()
        .describe('A client certificate and its private key, both in PEM.'),
      oauth2: z
        .strictObject({
          tokenUrl: z
            .string()
            .max(2048)
            .regex(/^https:\/\/[^\s/?#@]+([/?][^\s#]*)?$/, 'must be an absolute https URL')
            .describe('Where access tokens are asked for. At most 2048 characters.'),
          clientId: z.string().min(1).max(256).describe('At most 256 characters.'),
          ...secrets.oauth2,
          scopes: z
            .array(z.string().min(1).max(256))
            .max(20, 'at most 20 are allowed')
            .optional()
            .meta({ description: 'At most 20. Default: none.', 'x-kubernetes-list-type': 'atomic' }),
          audience: z
            .string()
            .max(2048)
            .optional()
            .describe('Demanded by some servers. At most 2048 characters. Default: none.'),
          credentialsIn: z
            .enum(['header', 'body'])
            .default('header')
            .describe('Whether the client says who it is by Basic or in the form. Default: header.'),
        })
        .optional()
        .describe(
          'An access token by OAuth 2.0 client credentials (RFC 6749, 4.4), kept until shortly before it expires.',
        ),
    }),
    authRules,
    'One way of letting a delivery in.',
  )
