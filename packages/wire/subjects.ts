import { createHash } from 'node:crypto'
import type { DeliveryId, DestinationId, OrganizationId } from '@fairlead/webhook/id'

/**
 * Every subject of the platform. An organization stands in a subject by its id, not by its slug: a slug can be
 * given to another organization after a deletion, and must not inherit what is still kept of the first.
 *
 *   events.<partition>.<organization>.<source>
 *   deliveries.due.<partition>.<organization>.<destination>                    to be attempted now
 *   deliveries.parked.<partition>.<organization>.<destination>                 waits until its lane has room
 *   deliveries.scheduled.<partition>.<organization>.<destination>.<delivery>   fires into due at its time
 *   attempts.<worker>
 *   dead.<organization>.<destination>
 *   rejections.<organization>.<source>
 */

/**
 * An organization's events and deliveries are in one partition, and one worker owns a partition at a time. Fixed,
 * because it is written into stored subjects: more workers than this bring nothing.
 */
export const partitionCount = 16

/** The partition of an organization: stable for ever, on every process. */
export function partitionOf(organization: OrganizationId): number {
  return createHash('sha256').update(organization).digest().readUInt32BE(0) % partitionCount
}

export const eventSubject = (organization: OrganizationId, source: string): string =>
  `events.${partitionOf(organization)}.${organization}.${source}`
export const eventsOfPartition = (partition: number): string => `events.${partition}.>`

export const dueSubject = (organization: OrganizationId, destination: DestinationId): string =>
  `deliveries.due.${partitionOf(organization)}.${organization}.${destination}`
export const dueOfPartition = (partition: number): string => `deliveries.due.${partition}.>`

export const parkedSubject = (organization: OrganizationId, destination: DestinationId): string =>
  `deliveries.parked.${partitionOf(organization)}.${organization}.${destination}`
export const parkedOfPartition = (partition: number): string => `deliveries.parked.${partition}.>`

export const scheduledSubject = (
  organization: OrganizationId,
  destination: DestinationId,
  delivery: DeliveryId,
): string => `deliveries.scheduled.${partitionOf(organization)}.${organization}.${destination}.${delivery}`

/** By worker, not by partition: a worker writes what it did in all its partitions into one message. */
export const attemptsSubject = (worker: string): string => `attempts.${worker}`

export const deadSubject = (organization: OrganizationId, destination: DestinationId): string =>
  `dead.${organization}.${destination}`

export const rejectionsSubject = (organization: OrganizationId, source: string): string =>
  `rejections.${organization}.${source}`
