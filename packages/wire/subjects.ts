import { createHash } from 'node:crypto'
import type { DeliveryId, DestinationId, OrganizationId } from '@fairlead/webhook/id'

/**
 * Every subject of the platform. An organization stands in a subject by its id, not by its slug: a slug can be
 * given to another organization after a deletion, and must not inherit what is still kept of the first.
 *
 *   events.<partition>.<organization>.<source>
 *   events.<partition>.<organization>.<source>.promoted                        of a rejection: receivers learn its id from here
 *   deliveries.due.<partition>.<organization>.<destination>                    to be attempted now
 *   deliveries.parked.<partition>.<organization>.<destination>                 waits until its lane has room
 *   deliveries.scheduled.<partition>.<organization>.<destination>.<delivery>   fires into due at its time
 *   deliveries.ordered.<partition>.<organization>.<destination>.<key>          waits for the delivery before it
 *   deliveries.held.<partition>.<organization>.<destination>.<key>             holds its key while others wait, if it doesn't end at once
 *   attempts.<worker>
 *   attempts.receiver                      of all receivers: repeats that they swallowed
 *   outbound.<organization's slug>.<destination's name>   for teams that consume from JetStream
 *   dead.<organization>.<destination>
 *   rejections.<organization>.<source>           requests that did not verify
 *   rejections.<organization>.<source>.repeats   requests that were swallowed as repeats although their bodies differ
 *   promotions.<organization>.<rejection>.<its receipt>   copies of rejections whose events are not published yet
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
/** A subject of its own, because receivers read ids of those events that they did not publish. */
export const promotedSubject = (organization: OrganizationId, source: string): string =>
  `${eventSubject(organization, source)}.promoted`
export const promotedOfAll = 'events.*.*.*.promoted'
export const eventsOfPartition = (partition: number): string => `events.${partition}.>`
export const eventsOfOrganization = (organization: OrganizationId): string =>
  `events.${partitionOf(organization)}.${organization}.>`

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

/** Deliveries that wait for an earlier one with the same key, oldest first. `key` is a digest. */
export const orderedSubject = (
  organization: OrganizationId,
  destination: DestinationId,
  key: string,
): string => `deliveries.ordered.${partitionOf(organization)}.${organization}.${destination}.${key}`
export const orderedOfPartition = (partition: number): string => `deliveries.ordered.${partition}.>`

/** Says that a delivery with this key has begun and not ended. */
export const heldSubject = (organization: OrganizationId, destination: DestinationId, key: string): string =>
  `deliveries.held.${partitionOf(organization)}.${organization}.${destination}.${key}`
export const heldOfPartition = (partition: number): string => `deliveries.held.${partition}.>`
/** @param name `<organization>.<destination>.<key>`, as `keyNameIn` reads it */
export const heldNamed = (partition: number, name: string): string => `deliveries.held.${partition}.${name}`
/** `<organization>.<destination>.<key>` of a subject of ordered or held deliveries. */
export const keyNameIn = (subject: string): string => subject.split('.').slice(3).join('.')

/** Receivers need no subject each: their records name no receiver. */
export const receiverAttemptsSubject = 'attempts.receiver'

/** By worker, not by partition: one message holds a worker's records of all its partitions. */
export const attemptsSubject = (worker: string): string => `attempts.${worker}`

export const deadSubject = (organization: OrganizationId, destination: DestinationId): string =>
  `dead.${organization}.${destination}`

/** A subject of its own, because each keeps a bounded number and strangers can fill the other one. */
export const repeatsSubject = (organization: OrganizationId, source: string): string =>
  `rejections.${organization}.${source}.repeats`
export const rejectionsSubject = (organization: OrganizationId, source: string): string =>
  `rejections.${organization}.${source}`
/** In REJECTIONS, beside the subjects that keep a bounded number. `receivedAt`: Unix milliseconds. */
export const promotionSubject = (
  organization: OrganizationId,
  rejection: number,
  receivedAt: number,
): string => `promotions.${organization}.${rejection}.${receivedAt}`

/** By names, not ids: other teams write it into their consumers. */
export const outboundSubject = (slug: string, destination: string): string =>
  `outbound.${slug}.${destination}`
