import { z } from 'zod'
import { modes } from '../mode.ts'
import { mostSearched } from '../search.ts'
import { secretHeader } from '../secret-headers.ts'
import { countedByReceivers, integer, name, rateLimit } from './field.ts'
import { providerNames } from './provider-names.ts'
import { type Rule, ruled } from './rule.ts'
import { scheme } from './scheme.ts'

const sourceRules: readonly Rule<{
  provider: string
  scheme?: unknown
  options?: { webhookId?: string | undefined } | undefined
}>[] = [
  {
    cel: "(self.provider == 'custom') == has(self.scheme)",
    message: 'the provider custom needs a scheme, and only custom has one: give scheme, or name the provider',
    faults: source => ((source.provider === 'custom') === (source.scheme !== undefined) ? [] : [['scheme']]),
  },
  {
    cel: "self.provider != 'paypal' || (has(self.options) && has(self.options.webhookId))",
    message:
      "PayPal signs the webhook's own id with each event: give options.webhookId as its developer page shows it",
    faults: source =>
      source.provider !== 'paypal' || source.options?.webhookId !== undefined ? [] : [['options']],
  },
]

const switches = {
  deduplicate: z
    .boolean()
    .default(true)
    .describe(
      'A repeated delivery of one event is answered with the first id and goes no further. Default: true.',
    ),
  trustTraceparent: z
    .boolean()
    .default(false)
    .describe(
      "True: the trace that a request's traceparent names is linked to, for senders of your own. It never becomes the parent of Fairlead's trace, and goes to no destination. Default: false.",
    ),
  active: z
    .boolean()
    .default(true)
    .describe('False: requests are refused as from an unknown source. Default: true.'),
}

const search = z
  .strictObject({
    pointers: z
      .array(
        z
          .string()
          .max(256)
          .regex(
            /^(\/[^\s/=]+)+$/,
            'must be a JSON pointer such as /data/object/customer, without = (a search is pointer=value)',
          ),
      )
      .max(mostSearched, `at most ${mostSearched} are allowed`)
      .default([])
      .meta({
        description:
          'JSON pointers into the body (RFC 6901), such as /data/object/id; 0 is the first element of an array. None holds a =, since a search is pointer=value. At most 8, of 256 characters. Default: none.',
        'x-kubernetes-list-type': 'atomic',
      }),
    headers: z
      .array(
        z
          .string()
          .regex(/^[!#$%&'*+.^_`|~0-9a-z-]{1,100}$/, 'must be the name of a header, in lower case')
          .refine(name => !secretHeader.test(name), 'holds a secret, which nobody searches by'),
      )
      .max(mostSearched, `at most ${mostSearched} are allowed`)
      .default([])
      .meta({
        description:
          'Names of request headers in lower case; none whose value is a secret. At most 8. Default: none.',
        'x-kubernetes-list-type': 'atomic',
      }),
  })
  .describe(
    'What events are found by, beside ids and URL: texts, numbers and booleans of at most 256 characters, as a whole. It holds for what is received from then on. Default: nothing.',
  )

const mode = z
  .enum(modes)
  .optional()
  .describe(
    'test: what it receives is test data, which test keys of the API see alone and live keys never. A change holds for what is received from then on. Default: live.',
  )

const account = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,254}$/,
    'must be an id of the provider: letters, digits, and _ . : - within it',
  )
  .optional()
  .describe(
    "The provider's own account whose events come in here, such as acct_1M… or a shop's domain. Sources of one provider with different accounts are kept apart in the ledger: ids that people choose, such as plans', may then be the same in both. An account that an event itself names counts first. At most 255 characters. A change holds for what is received from then on. Default: none; all such sources of one provider share one place.",
  )

/**
 * Where webhooks come in, as a resource, a file and a request of the API declare it.
 *
 * @param secret one of its secrets: a reference in a resource, plain text in a request
 */
export const sourceOf = <Secret extends z.ZodType>(secret: Secret) =>
  ruled(
    z.strictObject({
      name: name(
        'Part of the webhook URL, /webhooks/{slug}/{name}: a DNS label. Unique in this Organization.',
      ),
      provider: z
        .enum(providerNames)
        .describe('Who sends, and so how requests are verified; custom: any HMAC scheme, told by scheme.'),
      secrets: z
        .array(secret)
        .max(8, 'at most 8 are allowed: take out old ones, status shows which no longer match')
        .default([])
        .meta({
          description:
            'All of them are live: to rotate, add the new one, wait until the old one no longer matches, remove it. At most 8. Default: none, for providers that sign with keys of their own.',
          'x-kubernetes-list-type': 'atomic',
        }),
      options: z
        .looseObject({
          webhookId: z.string().min(1).max(200).optional().describe("PayPal: the webhook's id."),
          publicUrl: z
            .string()
            .max(2048)
            .regex(
              /^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/,
              'must be an absolute http or https URL without user, query or fragment',
            )
            .optional()
            .describe(
              "The URL that the provider was given, where proxies make it another one: providers such as Square and Twilio sign it. An absolute http or https URL without user, query or fragment, at most 2048 characters, such as https://hooks.acme.example/square. Default: the installation's public URL, then /webhooks/{slug}/{name}.",
            ),
        })
        .optional()
        .meta({
          description:
            'What the provider needs beside the secret; docs/providers has a page for each. Default: none.',
          'x-kubernetes-preserve-unknown-fields': true,
        }),
      scheme: scheme.optional(),
      toleranceSeconds: integer(0, 86_400, 'seconds')
        .optional()
        .describe(
          "How old, or how far ahead, a signed time may be. Seconds, 0 to 86400; 0: times aren't checked. Default: the provider's own.",
        ),
      rateLimit: rateLimit('what this source accepts', countedByReceivers).optional(),
      ...switches,
      mode,
      account,
      search: search.optional(),
    }),
    sourceRules,
    'Where webhooks of one provider come in.',
  )
