import { algorithms } from '@fairlead/webhook/verify/descriptor'
import { z } from 'zod'
import { type Rule, ruled } from './rule.ts'

/**
 * The fields of `scheme` with the provider `custom`, as `packages/webhook/verify/custom.ts` reads them. Here stands
 * what the API server can check; what needs the secrets is checked when the source is opened.
 */

const header = (description: string) =>
  z
    .string()
    .max(128)
    .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'must be the name of an HTTP header')
    .describe(description)

const member = (description: string) => z.string().min(1).max(256).describe(description)

const onePlace: Rule<object> = {
  cel: '[has(self.header), has(self.member), has(self.form)].filter(x, x).size() == 1',
  message: 'give one of header, member and form',
  faults: place =>
    ['header', 'member', 'form'].filter(name => (place as Record<string, unknown>)[name] !== undefined)
      .length === 1
      ? []
      : [[]],
}

const place = (description: string) =>
  ruled(
    z.strictObject({
      header: header('In this header.').optional(),
      member: member(
        'In this member of a JSON body, such as event.type; of each element of an array: events.*.type.',
      ).optional(),
      form: member('In this field of a form body.').optional(),
    }),
    [onePlace],
    description,
  )

const bound = (description: string) =>
  z
    .int('must be a whole number of seconds, or null')
    .min(0, 'must be at least 0')
    .max(86_400, 'must be at most 86400')
    .nullable()
    .default(300)
    .describe(description)

const timestamp = ruled(
  z.strictObject({
    header: header('In this header.').optional(),
    pair: member('In this name of the signature header, where that is a list of name=value.').optional(),
    member: member('In this member of a JSON body.').optional(),
    unit: z
      .enum(['s', 'ms', 'iso'])
      .default('s')
      .describe('s or ms since 1970, or iso: an RFC 3339 text. Default: s.'),
    past: bound('How old it may be. Seconds, 0 to 86400; null: no bound. Default: 300.'),
    future: bound('How far ahead it may be. Seconds, 0 to 86400; null: no bound. Default: 300.'),
  }),
  [
    {
      cel: '[has(self.header), has(self.pair), has(self.member)].filter(x, x).size() == 1',
      message: 'give one of header, pair and member',
      faults: found =>
        [found.header, found.pair, found.member].filter(name => name !== undefined).length === 1 ? [] : [[]],
    },
  ],
  'Where the signed time stands; without it an old request can be sent again by whoever saw it.',
)

const hasBody: Rule<{ algorithm: string; content: readonly string[] }> = {
  cel: "self.algorithm == 'token' || self.algorithm.startsWith('jwt-') || '{body}' in self.content",
  message: 'content must hold {body}: else the body could be anything',
  faults: ({ algorithm, content }) =>
    algorithm === 'token' || algorithm.startsWith('jwt-') || content.includes('{body}') ? [] : [['content']],
}

const schemeAlgorithms = [
  ...algorithms,
  'token',
  'jwt-hs256',
  'jwt-hs384',
  'jwt-hs512',
  'jwt-rs256',
  'jwt-es256',
] as const

/** A provider that isn't in the table, as data. */
export const scheme = ruled(
  z.strictObject({
    header: header('Header that holds the signature, token or JWT.').optional(),
    headers: z.array(header('A header that may hold it.')).min(1).max(8).optional().meta({
      description: 'Several such headers; any may match. At most 8.',
      'x-kubernetes-list-type': 'atomic',
    }),
    algorithm: z
      .enum(schemeAlgorithms)
      .describe('How it is made; token: the header holds the secret itself.'),
    encoding: z
      .enum(['hex', 'hex-any-case', 'base64', 'base64url'])
      .default('hex')
      .describe('How the signature is written. Default: hex.'),
    key: z
      .enum(['utf8', 'hex', 'base64', 'whsec', 'pem', 'ed25519-hex', 'ed25519-base64', 'spki-base64'])
      .optional()
      .describe(
        "How the secret's text becomes a key. Default: utf8, its bytes as they are; pem for public keys.",
      ),
    prefix: z
      .string()
      .max(64)
      .optional()
      .describe('Stands before each signature, such as sha256=. Default: nothing.'),
    list: z
      .enum([' ', ','])
      .optional()
      .describe('The header is a list of signatures separated by this; any may match.'),
    pair: z
      .strictObject({
        separator: z
          .enum([',', ';'])
          .default(',')
          .describe('Between one name=value and the next. Default: a comma.'),
        name: member('The name whose values are signatures.'),
      })
      .optional()
      .describe('The header is a list of name=value.'),
    content: z.array(z.string().min(1).max(256)).min(1).max(32).default(['{body}']).meta({
      description:
        'The signed text in pieces: {body}, {timestamp}, {id}, {url}, {method}, {secret}; anything else stands for itself. At most 32. Default: the body.',
      'x-kubernetes-list-type': 'atomic',
    }),
    timestamp: timestamp.optional(),
    id: place("Where the sender's id of a delivery stands, for de-duplication.").optional(),
    type: place('Where the type of an event stands, for routes.').optional(),
    repeats: z
      .enum(['id', 'id-and-body', 'body', 'none'])
      .optional()
      .describe(
        'What two requests must share to be one event. Default: id where there is an id, else none: each request is an event.',
      ),
    issuer: z.string().min(1).max(2048).optional().describe('jwt-…: the issuer that a token must have.'),
    bodyHash: z
      .strictObject({
        claim: member('The claim that holds the SHA-256 of the body.'),
        encoding: z
          .enum(['hex', 'base64', 'base64url'])
          .default('hex')
          .describe('How it is written. Default: hex.'),
      })
      .optional()
      .describe('jwt-…: how a token is bound to its body.'),
    tests: z
      .array(z.looseObject({}).meta({ 'x-kubernetes-preserve-unknown-fields': true }))
      .max(20)
      .optional()
      .meta({
        description:
          'Requests with the answer expected of this scheme, checked when the source is. At most 20.',
        'x-kubernetes-list-type': 'atomic',
      }),
  }),
  [
    {
      cel: 'has(self.header) != has(self.headers)',
      message: 'give either header or headers',
      faults: found => ((found.header === undefined) !== (found.headers === undefined) ? [] : [['header']]),
    },
    hasBody,
  ],
  'With the provider custom only: how its requests are signed.',
)
