import { createHash } from 'node:crypto'
import {
  type DestinationId,
  type EventId,
  fromUuid,
  type OrganizationId,
  type SourceId,
} from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import { eventSubject } from '@fairlead/wire/subjects'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Pool } from 'pg'
import type { ConfigPublisher } from '../publish/publish.ts'
import { publishEvent } from '../publish/publish-event.ts'

export interface TellTools {
  readonly pool: Pool
  readonly nats: NatsConnection
  readonly publisher: Pick<ConfigPublisher, 'revisionOf'>
  readonly now: () => number
}

/** An event that no provider sent: of Fairlead itself, to one destination of the organization. */
export interface Notice {
  /** The same for a repeat. */
  readonly id: EventId
  readonly organization: OrganizationId
  /** A name that no source of a tenant can have. */
  readonly source: string
  /** Default: live. */
  readonly mode?: Mode
  readonly destination: DestinationId
  readonly type: string
  readonly at: Date
  readonly body: object
}

/** Stores a notice as an event. Rejects where NATS is away. */
export async function publishNotice(
  { nats, publisher }: Pick<TellTools, 'nats' | 'publisher'>,
  { id, organization, source, mode, destination, type, at, body: content }: Notice,
): Promise<void> {
  const body = Buffer.from(JSON.stringify(content))
  const meta = {
    id,
    organization,
    source,
    sourceId: sourceIdOf(organization, source),
    provider: 'fairlead',
    revision: await publisher.revisionOf(organization),
    type,
    receivedAt: at.getTime(),
    method: 'POST',
    url: '/',
    headers: ['content-type', 'application/json'],
    size: body.length,
    ...(mode === 'test' && { mode }),
    to: destination,
  }
  await publishEvent(nats, eventSubject(organization, source), meta, body)
}

/** The log names sources by ids: these have no row. */
export function sourceIdOf(organization: OrganizationId, source: string): SourceId {
  const digest = createHash('sha256').update(`${organization}\n${source}`).digest('hex')
  return fromUuid('src', digest.slice(0, 32))
}
