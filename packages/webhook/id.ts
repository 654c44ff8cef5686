import { createHash, randomBytes } from 'node:crypto'

/**
 * Ids are 128 bits with their kind in front: `org_` and 26 characters of Crockford's base32, lower case
 * (as TypeID writes a UUID). Text and UUID are the same value: a row keeps the UUID, everything else the text.
 * This file alone casts to the branded types.
 */

declare const kind: unique symbol
type Id<Prefix extends string> = `${Prefix}_${string}` & { readonly [kind]: Prefix }

export type OrganizationId = Id<'org'>
export type MemberId = Id<'mem'>
export type SourceId = Id<'src'>
export type DestinationId = Id<'dst'>
export type RouteId = Id<'rte'>
export type EventId = Id<'evt'>
export type DeliveryId = Id<'dlv'>
export type ReplayId = Id<'rpl'>
export type KeyId = Id<'key'>
export type IssueId = Id<'iss'>
export type RetryId = Id<'rty'>
export type InvitationId = Id<'inv'>

interface Prefixes {
  org: OrganizationId
  mem: MemberId
  src: SourceId
  dst: DestinationId
  rte: RouteId
  evt: EventId
  dlv: DeliveryId
  rpl: ReplayId
  key: KeyId
  iss: IssueId
  rty: RetryId
  inv: InvitationId
}
export type IdPrefix = keyof Prefixes

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const digits = '0123456789abcdef'
/** Character code → its five bits. */
const values = Uint8Array.from({ length: 128 }, (_, code) =>
  Math.max(0, alphabet.indexOf(String.fromCharCode(code))),
)
const pattern = /^([a-z]{3})_([0-7][0-9a-hjkmnp-tv-z]{25})$/

/** Makes a new id from a UUIDv7: ids made later sort later (to the millisecond). */
export function newId<P extends IdPrefix>(prefix: P, nowMs: number): Prefixes[P] {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(nowMs, 0, 6)
  bytes[6] = (bytes[6]! & 0x0f) | 0x70
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return encode(prefix, bytes)
}

/**
 * The id of an event: a digest of whose it is and of what the provider calls the delivery, so that the same
 * delivery gets the same id for ever, on every receiver. Where the provider names none, the body stands for it.
 */
export function eventId(
  organizationId: OrganizationId,
  source: string,
  delivery: { id: string } | { body: Uint8Array },
): EventId {
  const digest = createHash('sha256').update(`${organizationId}\n${source}\n`)
  if ('id' in delivery) digest.update(`id\n${delivery.id}`)
  else digest.update('body\n').update(delivery.body)
  return encode('evt', digest.digest().subarray(0, 16))
}

/** The id of a delivery (Event × Destination): a digest too, so that a repeated match makes no second delivery. */
export function deliveryId(event: EventId, destination: DestinationId): DeliveryId {
  return encode('dlv', createHash('sha256').update(`${event}\n${destination}`).digest().subarray(0, 16))
}

/** Reads an id of one kind from text; undefined if it is none. */
export function parseId<P extends IdPrefix>(prefix: P, text: string): Prefixes[P] | undefined {
  return pattern.exec(text)?.[1] === prefix ? (text as Prefixes[P]) : undefined
}

/** The UUID (lower case, with dashes) that an id stands for. */
export function toUuid(id: Prefixes[IdPrefix]): string {
  let hex = ''
  let bits = 0
  // The first character holds three bits, each other one five; a digit takes four.
  let held = -2
  for (let i = 4; i < 30; i++) {
    bits = ((bits << 5) | values[id.charCodeAt(i)]!) & 0x1ff
    held += 5
    while (held >= 4) {
      held -= 4
      hex += digits[(bits >> held) & 15]
    }
  }
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The id of a kind for a UUID (32 hexadecimal digits, dashes ignored). Throws a TypeError on anything else. */
export function fromUuid<P extends IdPrefix>(prefix: P, uuid: string): Prefixes[P] {
  const hex = uuid.replaceAll('-', '')
  if (!/^[0-9a-f]{32}$/i.test(hex)) throw new TypeError(`not a UUID: ${uuid}`)
  return encode(prefix, Buffer.from(hex, 'hex'))
}

/** 16 bytes as 26 characters of five bits, the first of which holds the top three bits. */
function encode<P extends IdPrefix>(prefix: P, bytes: Uint8Array): Prefixes[P] {
  let text = `${prefix}_`
  let bits = 0
  let held = 2
  for (let i = 0; i < 16; i++) {
    bits = ((bits << 8) | bytes[i]!) & 0xffff
    held += 8
    while (held >= 5) {
      held -= 5
      text += alphabet[(bits >> held) & 31]
    }
  }
  return text as Prefixes[P]
}
