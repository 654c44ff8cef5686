import type { PlatformHit, TroubledOrganization } from '@fairlead/wire/store/platform'
import { z } from 'zod'
import { countsSchema, presentCounts } from './analytics.ts'
import { operation } from './operation.ts'
import { noParams, noQuery, plainText } from './query.ts'

const healthSchema = z
  .object({
    log: z
      .object({
        behindMessages: z.int().meta({ description: 'Messages that are not in the log.' }),
        behindMs: z
          .int()
          .meta({ description: 'How long ago the oldest of them was stored; 0: there is none.' }),
      })
      .nullable()
      .meta({ description: 'How far the log is behind what was accepted; null: NATS does not answer.' }),
    streams: z
      .array(
        z.object({
          name: z.string().meta({ example: 'EVENTS' }),
          messages: z.int(),
          bytes: z.int(),
          limitBytes: z.int().nullable().meta({ description: 'Bytes that it may have; null: no limit.' }),
          oldestMs: z.int().meta({ description: 'Age of its oldest message; 0 where it is empty.' }),
          replicasBehind: z.int().meta({ description: 'Copies that are not current, or away.' }),
        }),
      )
      .meta({ description: 'As nats-server has them; none while NATS does not answer.' }),
    counts: z.object({
      organizations: z.int(),
      inactiveOrganizations: z.int(),
      destinations: z.int(),
      failingDestinations: z.int().meta({ description: 'Those whose last attempt failed.' }),
      pausedDestinations: z.int().meta({ description: 'By somebody, or because they were failing or gone.' }),
      openIssues: z.int().meta({ description: 'Open or acknowledged.' }),
      waitingDeliveries: z.int().meta({ description: 'Counted up to 1,000,000.' }),
      deadLetters: z.int().meta({ description: 'Counted up to 1,000,000.' }),
    }),
    lastHour: countsSchema,
    troubled: z
      .array(
        z.object({
          slug: z.string(),
          displayName: z.string(),
          deadLetters: z.int(),
          failedAttempts: z.int().meta({ description: 'Of the last hour.' }),
          failingDestinations: z.int(),
        }),
      )
      .meta({
        description:
          'Organizations in which something fails: the 100 with the most dead letters, then with the most failed attempts.',
      }),
  })
  .meta({ id: 'PlatformHealth' })

const health = operation({
  method: 'get',
  path: '/api/v1/platform/health',
  name: 'getPlatformHealth',
  tag: 'Platform',
  summary: 'How the platform does',
  description:
    'Measured when it is asked for; `lastHour` is of all organizations, 60 to 75 minutes. Metrics and alerts say more, and over time.',
  access: 'platform-read',
  params: noParams,
  query: noQuery,
  status: 200,
  answerDescription: 'How the platform does now.',
  answer: healthSchema,
  problems: [],
  async handle({ store, signal }) {
    const { log, streams, counts, lastHour, troubled } = await store.platform.getPlatformHealth(
      {},
      { signal },
    )
    if (!counts) throw new TypeError('the store answered without counts')
    return {
      log: log ? { behindMessages: Number(log.messages), behindMs: Number(log.ageMs) } : null,
      streams: streams.map(({ name, messages, bytes, limitBytes, oldestMs, replicasBehind }) => ({
        name,
        messages: Number(messages),
        bytes: Number(bytes),
        limitBytes: limitBytes === undefined ? null : Number(limitBytes),
        oldestMs: Number(oldestMs),
        replicasBehind,
      })),
      counts: {
        organizations: Number(counts.organizations),
        inactiveOrganizations: Number(counts.inactiveOrganizations),
        destinations: Number(counts.destinations),
        failingDestinations: Number(counts.failingDestinations),
        pausedDestinations: Number(counts.pausedDestinations),
        openIssues: Number(counts.openIssues),
        waitingDeliveries: Number(counts.waitingDeliveries),
        deadLetters: Number(counts.deadLetters),
      },
      lastHour: presentCounts(lastHour),
      troubled: troubled.map(presentTroubled),
    }
  },
})

const hitKinds = [
  'organization',
  'event',
  'delivery',
  'issue',
  'source',
  'destination',
  'route',
  'member',
  'key',
  'retry',
  'replay',
] as const

const hitSchema = z
  .object({
    kind: z.enum(hitKinds),
    id: z.string().meta({ example: 'evt_01jd3k5t9vexqa7w2m8zr4c6hs' }),
    name: z.string().meta({ description: 'What people know it by; of a destination its name and host.' }),
    organization: z.object({ slug: z.string(), displayName: z.string() }),
    eventId: z.string().nullable().meta({ description: 'Of a delivery its event.' }),
  })
  .meta({ id: 'PlatformHit' })

const search = operation({
  method: 'get',
  path: '/api/v1/platform/search',
  name: 'searchPlatform',
  tag: 'Platform',
  summary: 'Whose something is',
  description:
    'By an id of ours, by the id that a provider gave an event, by the address of a member; or organizations and destinations by part of their name, slug or host. No content of an event is searched.',
  access: 'platform-read',
  params: noParams,
  query: z.strictObject({
    q: plainText(320).min(2).meta({
      description: 'An id, an address of mail, or part of a name.',
      example: 'evt_01jd3k5t9vexqa7w2m8zr4c6hs',
    }),
  }),
  status: 200,
  answerDescription: 'What was found.',
  answer: z
    .object({ items: z.array(hitSchema).meta({ description: 'At most 50.' }) })
    .meta({ id: 'PlatformHits' }),
  problems: [],
  async handle({ store, query, signal }) {
    const { hits } = await store.platform.findOnPlatform({ text: query.q }, { signal })
    return { items: hits.flatMap(presentHit) }
  },
})

export const platformOperations = [health, search]

const presentTroubled = (troubled: TroubledOrganization) => ({
  slug: troubled.slug,
  displayName: troubled.displayName,
  deadLetters: Number(troubled.deadLetters),
  failedAttempts: Number(troubled.failedAttempts),
  failingDestinations: Number(troubled.failingDestinations),
})

/** A newer store may find more kinds. */
function presentHit({ kind, id, name, slug, displayName, eventId }: PlatformHit) {
  const known = hitKinds.find(each => each === kind)
  return known
    ? [{ kind: known, id, name, organization: { slug, displayName }, eventId: eventId || null }]
    : []
}
