import { eventId, parseId } from '@fairlead/webhook/id'
import { encodeEventMeta, eventHeader } from '@fairlead/wire/event'
import type { Publisher } from '@fairlead/wire/publish'
import type { EventStatus } from '@fairlead/wire/store/event'
import type { StoreClient } from '@fairlead/wire/store-client'
import { eventSubject } from '@fairlead/wire/subjects'
import { until } from './until.ts'

export interface Published {
  /** The organization's. */
  readonly slug: string
  /** A source's name. */
  readonly source: string
  readonly type: string
  readonly count: number
  /** Which of the source's secrets matched. */
  readonly secret?: string
  /** Unix time, ms; default: now. */
  readonly receivedAt?: number
}

export interface Accepted extends Published {
  /** How all of them stand in the log in the end. */
  readonly status: EventStatus
}

interface Tools {
  readonly client: StoreClient
  readonly publisher: Publisher
}

/**
 * Publishes events as a receiver does; the same type and count once more are repeats.
 * @returns their ids
 */
export async function publishEvents(
  { client, publisher }: Tools,
  { slug, source, type, count, secret, receivedAt = Date.now() }: Published,
): Promise<readonly string[]> {
  const found = await client.organizations.getOrganization({ by: { case: 'slug', value: slug } })
  const organizationId = found.organization!.id
  const { sources } = await client.sources.listSources({ organizationId })
  const { id: sourceId, settings } = sources.find(({ name }) => name === source)!
  const organization = parseId('org', organizationId)!
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const id = eventId(organization, source, { id: `${type} ${i}` })
      const body = JSON.stringify({ type, i })
      const meta = {
        id,
        organization,
        source,
        sourceId: parseId('src', sourceId)!,
        provider: settings!.provider,
        revision: 1,
        type,
        receivedAt,
        method: 'POST',
        url: `/webhooks/${slug}/${source}`,
        headers: ['Content-Type', 'application/json'],
        size: body.length,
        ...(secret === undefined ? {} : { secret }),
      }
      await publisher.publish(eventSubject(organization, source), body, {
        'Nats-Msg-Id': id,
        [eventHeader]: encodeEventMeta(meta),
      })
      return id
    }),
  )
}

/**
 * Accepts events as a receiver does, and waits until the log says that all stand as they should.
 * @returns their ids
 */
export async function acceptEvents(
  tools: Tools,
  { status, ...published }: Accepted,
): Promise<readonly string[]> {
  const { slug, type, count } = published
  const ids = await publishEvents(tools, published)
  const found = await tools.client.organizations.getOrganization({ by: { case: 'slug', value: slug } })
  const organizationId = found.organization!.id
  await until(
    async () => {
      const { events } = await tools.client.events.listEvents({ organizationId, type, status, limit: 500 })
      return events.length === count
    },
    { deadlineMs: 60_000, everyMs: 50, what: `${count} events of ${type} in the log` },
  )
  return ids
}
