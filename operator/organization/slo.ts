import { ruled } from '@fairlead/wire/declared/rule'
import { z } from 'zod'

/** `spec.slo`: objectives of one Organization, over 30 days. */

const least = 0.95
const most = 0.9999

export const targetRule = `target must be ${least} to ${most}: with less a budget can not burn fast enough for an alert, with more one webhook a month uses it up`

const objective = (
  what: string,
  field: 'withinSeconds' | 'withinHours',
  unit: string,
  max: number,
  usual: number,
) =>
  ruled(
    z.strictObject({
      target: z
        .number()
        .default(0.99)
        .describe(`The part of its webhooks that is to be good, ${least} to ${most}. Default: 0.99.`),
      [field]: z
        .int()
        .min(1)
        .max(max)
        .default(usual)
        .describe(`${what} Whole ${unit}, 1 to ${max}. Default: ${usual}.`),
    }),
    [
      {
        cel: `self.target >= ${least} && self.target <= ${most}`,
        message: targetRule,
        faults: ({ target }) =>
          typeof target === 'number' && target >= least && target <= most ? [] : [['target']],
      },
    ],
    what,
  )

export const slo = z
  .strictObject({
    freshness: objective(
      'The first attempt begins so long after the receipt, at most. What the destination itself holds up does not count.',
      'withinSeconds',
      'seconds',
      3_600,
      5,
    ).optional(),
    delivery: objective(
      'Delivered so long after the receipt, at most. What is given up is bad.',
      'withinHours',
      'hours',
      168,
      24,
    ).optional(),
  })
  .describe(
    'Objectives of this organization, over 30 days: their budgets are counted and shown apart. At most 500 organizations have series of their own. Default: none.',
  )

type Slo = z.output<typeof slo>

/** In the store's words. */
export function sloToStore(declared: Slo | undefined) {
  if (!declared) return {}
  const { freshness, delivery } = declared
  return {
    slo: {
      ...(freshness && {
        freshness: { target: Number(freshness.target), withinSeconds: Number(freshness.withinSeconds) },
      }),
      ...(delivery && {
        delivery: { target: Number(delivery.target), withinSeconds: 3_600 * Number(delivery.withinHours) },
      }),
    },
  }
}
