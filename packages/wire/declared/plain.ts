import { z } from 'zod'
import { destinationOf } from './destination.ts'
import { sourceOf } from './source.ts'

/**
 * Sources and destinations as a request of the API declares them: secrets stand in it in plain text, and are never told
 * again. A secret that is left out stays as it is stored.
 */

/**
 * @param kept what a secret that is left out is told apart by
 * @param most characters
 */
const secret = (what: string, kept: string, most: number = 64 * 1024) =>
  z
    .string()
    .min(1)
    .max(most)
    .refine(text => text.isWellFormed(), 'is no well-formed Unicode')
    .optional()
    .meta({
      description: `${what} Write-only. Left out: as stored${kept}. 1 to ${most} characters.`,
      writeOnly: true,
    })

/** A line of a header: what follows a line end would be a header of its own. */
const line = (what: string, kept: string, most?: number) =>
  secret(what, kept, most).refine(
    text => text === undefined || !/[\0\r\n]/.test(text),
    'must be one line, without control characters',
  )

export const secretIdPattern = /^[-._/a-zA-Z0-9]+$/

const sourceSecret = z
  .strictObject({
    id: z
      .string()
      .min(1)
      .max(253)
      .regex(secretIdPattern, 'must be letters, digits, dots, dashes, slashes and underscores')
      .optional()
      .describe(
        'Names the secret without telling it; unique in the source. At most 253 characters. Default: a fingerprint of its value.',
      ),
    value: secret('The secret.', ' under this id'),
  })
  .superRefine(({ id, value }, context) => {
    if (id === undefined && value === undefined)
      context.addIssue({ code: 'custom', message: 'give value, or the id of a secret that is stored' })
  })

const sameKind = ' in the entry of the same kind'

export const plainSource = sourceOf(sourceSecret)

export const plainDestination = destinationOf({
  basic: { password: line('The password.', sameKind) },
  bearer: { token: line('The token.', sameKind) },
  mtls: {
    certificate: secret('The certificate.', sameKind),
    key: secret('Its private key.', sameKind),
  },
  oauth2: { clientSecret: line("The client's secret.", sameKind) },
  // Servers take 8 to 16 KiB of all headers together.
  header: { value: line("The header's value.", ' under this name', 8 * 1024) },
})

export type PlainSource = z.output<typeof plainSource>
export type PlainDestination = z.output<typeof plainDestination>
