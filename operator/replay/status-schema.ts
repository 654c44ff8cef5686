import { z } from 'zod'
import { conditionList } from '../condition.ts'
import { conditionReasons, conditionTypes } from './condition-types.ts'

/** The status of a Replay: part of its CRD, and the type that `status.ts` fills. */

/**
 * Where a Replay stands, as a Job's columns would say it. The store's own word where it has the Replay; conditions are
 * what programs wait for.
 */
export const phases = ['Pending', 'Counted', 'Running', 'Paused', 'Completed', 'Cancelled', 'Failed'] as const
export type Phase = (typeof phases)[number]

const time = (description: string) => z.string().optional().meta({ description, format: 'date-time' })
const count = (description: string) => z.int().min(0).optional().describe(description)

export const statusSchema = z
  .strictObject({
    observedGeneration: z.int().min(0).describe('The generation of the resource that was last looked at.'),
    conditions: conditionList(
      conditionTypes,
      conditionReasons,
      'What it is about; Ready: nothing stands in its way, Complete: there is nothing more to hand over or to count.',
    ),
    phase: z
      .enum(phases)
      .describe(
        'Where it stands. Pending: not begun, Ready says what is in the way. Counted: a dry run. Completed: all is handed to the workers.',
      ),
    replayId: z.string().optional().describe('Its id in the platform, rpl_…; absent: not begun.'),
    matched: count('Deliveries to make, counted before it begins.'),
    matchedEvents: count('Events with a delivery to make, counted before it begins.'),
    expired: count("Deliveries that can't be made, because the event's body is no longer kept."),
    published: count('Deliveries handed to the workers so far.'),
    skipped: count('Deliveries passed over so far: no longer kept, or retried by someone else meanwhile.'),
    delivered: count('Of those handed over, how many were delivered.'),
    failed: count('Of those handed over, how many used up their attempts.'),
    done: z
      .string()
      .optional()
      .describe('Handed over or passed over, of those matched, in per cent, such as 64%.'),
    startedAt: time('When the first delivery was handed over.'),
    endedAt: time('When it was completed, counted, cancelled or failed.'),
  })
  .describe('What the operator found. Written by the operator alone.')

export type ReplayStatus = z.output<typeof statusSchema>
