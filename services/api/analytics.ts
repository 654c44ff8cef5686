import type { Counts } from '@fairlead/wire/store/usage'
import { z } from 'zod'
import { operation } from './operation.ts'
import { noQuery, organizationParams, plainText, since } from './query.ts'
import { presentTimeOf, timeText } from './time.ts'

export const countsSchema = z
  .object({
    events: z.int().meta({ description: 'Accepted events; by destination 0.' }),
    bytes: z.int().meta({ description: 'Of their bodies.' }),
    attempts: z.int(),
    delivered: z.int().meta({ description: 'Attempts that were answered 2xx.' }),
    failed: z.int().meta({ description: 'Attempts that were not.' }),
    dead: z.int().meta({ description: 'Attempts with which a delivery died.' }),
    successRate: z.number().nullable().meta({ description: 'delivered ÷ attempts; null without attempts.' }),
    latencyMs: z.object({ p50: z.number(), p95: z.number(), p99: z.number() }).nullable().meta({
      description:
        'Of delivered attempts, from counts in steps (… 50, 70, 100, 150 …): to the width of a step.',
    }),
  })
  .meta({ id: 'Counts' })

const analytics = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/analytics',
  name: 'getAnalytics',
  tag: 'Analytics',
  summary: 'Counts, success and latency over time',
  description:
    'Counted as the log is written, in quarters of an hour. Events count when they were received, attempts when they began. Test data and repeats that were swallowed are not in it.',
  access: 'read',
  params: organizationParams,
  query: z.strictObject({
    by: z.enum(['source', 'type', 'destination']).optional().meta({ description: 'Default `source`.' }),
    interval: z.enum(['15m', 'hour', 'day', 'month']).optional().meta({ description: 'Default `hour`.' }),
    timeZone: plainText(64).optional().meta({
      description:
        'Hours, days and months begin as they do there: a name of the IANA database, no offset and no abbreviation. Default UTC.',
      example: 'Europe/Berlin',
    }),
    after: since.optional().meta({ description: 'From this time on. Default: a day before `before`.' }),
    before: since.optional().meta({ description: 'Default: now.' }),
  }),
  status: 200,
  answerDescription: 'The counts.',
  answer: z
    .object({
      after: timeText,
      before: timeText,
      groups: z
        .array(
          z.object({
            value: z.string().meta({
              description: "A source's name, a type (empty: those beyond the first 500), a destination's id.",
            }),
            name: z.string(),
            total: countsSchema,
            intervals: z.array(z.object({ at: timeText, counts: countsSchema })),
          }),
        )
        .meta({ description: 'The 50 with the most events and attempts.' }),
      others: z.int().meta({ description: 'How many were left out.' }),
    })
    .meta({ id: 'Analytics' }),
  problems: [],
  async handle({ store, organization, query, signal }) {
    const { groups, others, after, before } = await store.usage.getAnalytics(
      {
        organizationId: organization.id,
        by: query.by ?? 'source',
        interval: query.interval ?? 'hour',
        timeZone: query.timeZone ?? '',
        ...(query.after && { after: query.after }),
        ...(query.before && { before: query.before }),
      },
      { signal },
    )
    return {
      after: presentTimeOf(after),
      before: presentTimeOf(before),
      groups: groups.map(({ value, name, total, intervals }) => ({
        value,
        name,
        total: presentCounts(total),
        intervals: intervals.map(({ at, counts }) => ({
          at: presentTimeOf(at),
          counts: presentCounts(counts),
        })),
      })),
      others,
    }
  },
})

const usage = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/usage',
  name: 'getUsage',
  tag: 'Analytics',
  summary: 'Accepted events of each month',
  access: 'read',
  params: organizationParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The months, newest first.',
  answer: z
    .object({
      plan: z.string(),
      limit: z
        .int()
        .nullable()
        .meta({ description: 'Events that the plan allows in a month; null: no limit.' }),
      months: z.array(
        z.object({ month: z.string().meta({ description: 'UTC.', example: '2030-01' }), accepted: z.int() }),
      ),
    })
    .meta({ id: 'Usage' }),
  problems: [],
  async handle({ store, organization, signal }) {
    const found = await store.usage.getUsage({ organizationId: organization.id }, { signal })
    return {
      plan: found.plan,
      limit: found.limit === undefined ? null : Number(found.limit),
      months: found.months.map(({ month, accepted }) => ({ month, accepted: Number(accepted) })),
    }
  },
})

export const analyticsOperations = [analytics, usage]

export function presentCounts(counts: Counts | undefined): z.input<typeof countsSchema> {
  if (!counts) throw new TypeError('the store answered without counts')
  const [attempts, delivered] = [Number(counts.attempts), Number(counts.delivered)]
  const { p50Ms, p95Ms, p99Ms } = counts
  const known = p50Ms !== undefined && p95Ms !== undefined && p99Ms !== undefined
  return {
    events: Number(counts.events),
    bytes: Number(counts.bytes),
    attempts,
    delivered,
    failed: attempts - delivered,
    dead: Number(counts.dead),
    successRate: attempts === 0 ? null : delivered / attempts,
    latencyMs: known ? { p50: p50Ms, p95: p95Ms, p99: p99Ms } : null,
  }
}
