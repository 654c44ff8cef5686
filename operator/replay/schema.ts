import { integer, label, labelRule, name } from '@fairlead/wire/declared/field'
import { apiVersion } from '@fairlead/wire/declared/organization-settings'
import { type Rule, ruled, type TransitionRule } from '@fairlead/wire/declared/rule'
import { z } from 'zod'

/**
 * `Replay` (fairlead.dev/v1alpha1): events of an Organization delivered again. It is a task, as a Job is: what it selects
 * can't change once deliveries are made; it is paused by `spec.paused` and cancelled by deleting it. A dry run may be
 * changed as often as wanted, and begins with `dryRun: false`.
 */

const time = (description: string) =>
  z
    .string()
    .max(40)
    .refine(text => !Number.isNaN(Date.parse(text)), 'must be a time such as 2026-01-31T12:00:00Z')
    .optional()
    .meta({ description: `${description} RFC 3339.`, format: 'date-time' })

/** A list of conditions of which any will do. */
const anyOf = <Item extends z.ZodType>(item: Item, description: string) =>
  z
    .array(item)
    .max(100, 'at most 100 are allowed')
    .default([])
    .meta({ description: `${description} At most 100.`, 'x-kubernetes-list-type': 'atomic' })

const word = z.string().min(1).max(253)

const windowRule: Rule<{ from?: string | undefined; to?: string | undefined }> = {
  cel: '!has(self.from) || !has(self.to) || self.from < self.to',
  message: 'from must be before to, or no event can be received between the two',
  faults: ({ from, to }) =>
    from !== undefined && to !== undefined && Date.parse(from) >= Date.parse(to) ? [['from']] : [],
}

const selector = ruled(
  z.strictObject({
    sources: anyOf(word, 'Names of sources. Default: any.'),
    eventTypes: anyOf(word, 'Types of events; * stands for any characters. Default: any.'),
    from: time('Events received at this time or later. Default: as far back as bodies are kept.'),
    to: time('Events received before this time. Default: when this resource was made.'),
    status: z
      .enum(['pending', 'processing', 'success', 'failed', 'unrouted'])
      .optional()
      .describe('Where the event stands; failed: a delivery of it is dead. Default: anywhere.'),
    deliveryStates: anyOf(
      z.enum(['delivered', 'dead', 'discarded']),
      'Where the delivery stands: dead for dead letters. What has not ended is never chosen. Default: any.',
    ),
    reasons: anyOf(word, 'Why a delivery died, in words of the attempts log. Default: any.'),
  }),
  [windowRule],
  'Which deliveries are made again. Conditions hold together. Default: all that are still kept.',
)

const remake = 'delete this Replay, which cancels it, and make another one'
const fixedOnceBegun = (field: string, self: string): TransitionRule => ({
  cel: `oldSelf.dryRun || ${self}`,
  message: `spec.${field} can't change once deliveries are made: ${remake}`,
})

const transitions: readonly TransitionRule[] = [
  {
    cel: 'self.organization == oldSelf.organization',
    message: "spec.organization can't change: make another Replay for the other Organization",
  },
  fixedOnceBegun('selector', 'self.selector == oldSelf.selector'),
  fixedOnceBegun('destinations', 'self.destinations == oldSelf.destinations'),
  fixedOnceBegun('ratePerSecond', 'self.ratePerSecond == oldSelf.ratePerSecond'),
  {
    cel: 'oldSelf.dryRun || !self.dryRun',
    message:
      "spec.dryRun can't be turned on once deliveries are made: hold it with spec.paused: true, or delete it",
  },
]

const spec = ruled(
  z.strictObject({
    organization: z
      .string()
      .min(1)
      .max(253)
      .describe("Name of an Organization in this Replay's namespace. Can't change."),
    selector: selector.prefault({}),
    destinations: z
      .array(name('Name of a destination of the Organization.'))
      .max(100, 'at most 100 are allowed')
      .default([])
      .meta({
        description:
          'Destinations to deliver to, also where an event was never delivered; nothing goes anywhere else. Default: each event goes where it was delivered to before. At most 100.',
        'x-kubernetes-list-type': 'set',
      }),
    ratePerSecond: integer(1, 1000, 'deliveries a second')
      .default(50)
      .describe('Deliveries handed to the workers in a second, at most. 1 to 1000. Default: 50.'),
    dryRun: z
      .boolean()
      .default(false)
      .describe('True: only counts, see status.matched. Set to false to begin. Default: false.'),
    paused: z
      .boolean()
      .default(false)
      .describe(
        'True: nothing more is handed over until it is false again, whoever else resumes it. Default: false.',
      ),
    ttlSecondsAfterFinished: integer(0, 31_536_000, 'seconds')
      .optional()
      .describe(
        'This resource is deleted so long after it was completed, counted, cancelled or failed. Seconds, 0 to 31536000. Default: it stays.',
      ),
  }),
  [],
  'What is to be delivered again.',
  transitions,
)

const metadata = z.looseObject({
  name: z.string().min(1).max(253),
  namespace: z
    .string()
    .max(63)
    .regex(new RegExp(`^${label}$`), labelRule)
    .default('default'),
})

export const replaySchema = z
  .strictObject({
    apiVersion: z.literal(apiVersion),
    kind: z.literal('Replay'),
    metadata,
    spec,
    /** Written by the operator; ignored where someone applies it. */
    status: z.unknown().optional(),
  })
  .describe(
    'Events of an Organization that are delivered again. Deleting it cancels what is not handed over yet.',
  )

export type Replay = z.output<typeof replaySchema>
