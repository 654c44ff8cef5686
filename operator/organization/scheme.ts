import { z } from 'zod'

const header = (description: string) =>
  z
    .string()
    .max(128)
    .regex(/^[A-Za-z0-9-]+$/, 'must be the name of an HTTP header')
    .describe(description)

/** A provider that isn't in the table, as data: an HMAC over a text made from the request. */
export const scheme = z
  .strictObject({
    header: header('Header that holds the signature.'),
    algorithm: z
      .enum(['hmac-sha1', 'hmac-sha256', 'hmac-sha384', 'hmac-sha512'])
      .default('hmac-sha256')
      .describe('Default: hmac-sha256.'),
    encoding: z
      .enum(['hex', 'base64', 'base64url'])
      .default('hex')
      .describe('How the signature is written. Default: hex.'),
    key: z
      .enum(['utf8', 'hex', 'base64', 'whsec'])
      .default('utf8')
      .describe(
        'How the secret becomes a key; whsec: base64 after whsec_. Default: utf8, its bytes as they are.',
      ),
    prefix: z
      .string()
      .max(32)
      .optional()
      .describe('Stands before the signature, such as sha256=. Default: nothing.'),
    content: z.array(z.string().min(1).max(128)).min(1).max(16).default(['{body}']).meta({
      description:
        'The signed text in pieces: {body}, {timestamp}, {id}, {url}, {method}; anything else stands for itself. Default: the body.',
      'x-kubernetes-list-type': 'atomic',
    }),
    timestamp: z
      .strictObject({
        header: header('Header that holds the time.'),
        unit: z
          .enum(['s', 'ms', 'iso'])
          .default('s')
          .describe('s or ms since 1970, or iso: an RFC 3339 text. Default: s.'),
      })
      .optional()
      .describe('The signed time; without it old requests can be sent again by whoever saw them.'),
    id: header('Header that {id} stands for.').optional(),
  })
  .describe('With the provider custom only: how its requests are signed.')
