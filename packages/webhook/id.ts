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
/** A ledger that is computed anew. */
type RebuildId = Id<'rbd'>

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
  rbd: RebuildId
}
export type IdPrefix = keyof Prefixes

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
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
 * The id of an event: a digest of organization, source and the provider's delivery id, so that a repeat gets the same id
 * for ever, on every receiver. Where the provider sends no id, the body takes its place.
 */
export function eventId(
  organizationId: OrganizationId,
  source: string,
  delivery: { id: string } | { body: Uint8Array },
): EventId {
  return eventIdAndHex(organizationId, source, delivery).id
}

/** An event's id as `eventId` makes it, and its 128 bits as `toHex` answers them, which would decode them again. */
export function eventIdAndHex(
  organizationId: OrganizationId,
  source: string,
  delivery: { id: string } | { body: Uint8Array },
): { readonly id: EventId; readonly hex: string } {
  const hash = createHash('sha256').update(`${organizationId}\n${source}\n`)
  if ('id' in delivery) hash.update(`id\n${delivery.id}`)
  else hash.update('body\n').update(delivery.body)
  const bits = hash.digest().subarray(0, 16)
  return { id: encode('evt', bits), hex: bits.toString('hex') }
}

/** The id of a delivery (Event × Destination): a digest too, so that a repeated match makes no second delivery. */
export function deliveryId(event: EventId, destination: DestinationId): DeliveryId {
  return encode('dlv', createHash('sha256').update(`${event}\n${destination}`).digest().subarray(0, 16))
}

/** Reads an id of this kind from text; undefined where the text isn't such an id. */
export function parseId<P extends IdPrefix>(prefix: P, text: string): Prefixes[P] | undefined {
  return pattern.exec(text)?.[1] === prefix ? (text as Prefixes[P]) : undefined
}

/** The UUID (lower case, with dashes) that an id stands for. */
export function toUuid(id: Prefixes[IdPrefix]): string {
  const hex = toHex(id)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The 128 bits of an id as 32 hexadecimal digits, lower case. */
export function toHex(id: Prefixes[IdPrefix]): string {
  decode(id)
  return decoded.hexSlice(0, 16)
}

/** Writes the 128 bits of an id, 16 bytes. */
export function writeBits(id: Prefixes[IdPrefix], into: Buffer, at: number): void {
  decode(id)
  decoded.copy(into, at)
}

/** Into `decoded`. */
function decode(id: Prefixes[IdPrefix]): void {
  characters.latin1Write(id, 0)
  // The first two characters are one byte; each eight of the others are five.
  decoded[0] = (values[characters[4]!]! << 5) | values[characters[5]!]!
  for (let at = 6, byte = 1; at < 30; at += 8, byte += 5) {
    const high =
      (values[characters[at]!]! << 15) |
      (values[characters[at + 1]!]! << 10) |
      (values[characters[at + 2]!]! << 5) |
      values[characters[at + 3]!]!
    const low =
      (values[characters[at + 4]!]! << 15) |
      (values[characters[at + 5]!]! << 10) |
      (values[characters[at + 6]!]! << 5) |
      values[characters[at + 7]!]!
    decoded[byte] = high >> 12
    decoded[byte + 1] = high >> 4
    decoded[byte + 2] = (high << 4) | (low >> 16)
    decoded[byte + 3] = low >> 8
    decoded[byte + 4] = low
  }
}

/** The last seven characters of an id as 14 hexadecimal digits: 35 of its bits, which tell ids of few things apart. */
export function charactersAsHex(id: Prefixes[IdPrefix]): string {
  characters.latin1Write(id, 0)
  return characters.hexSlice(23, 30)
}

/** The parts of `toString` and `write` that do the work, without what they look at before: half of the time. */
type RawBuffer = Buffer & {
  hexSlice(start: number, end: number): string
  latin1Write(text: string, offset: number): number
}
/** Scratch space: written and read within a single call. */
const characters = Buffer.alloc(32) as RawBuffer
const decoded = Buffer.alloc(16) as RawBuffer

/**
 * The last 55 bits of an id as text, which sorts as they do. They are random, or of a digest, in every id: what is decided by
 * them is decided alike wherever the id is known.
 */
export const randomPart = (id: Prefixes[IdPrefix]): string => id.slice(19)

/** The same 55 bits, of the 128 that an id stands for. */
export const randomBits: bigint = (1n << 55n) - 1n

/** The random bits above which `ratio` of all ids lie; a ratio from 0 (none) to 1 (all). */
export function randomBitsAbove(ratio: number): bigint {
  if (ratio <= 0) return 1n << 55n
  if (ratio >= 1) return 0n
  return BigInt(Math.round((1 - ratio) * 2 ** 53)) << 2n
}

/** The random part above which `ratio` of all ids lie; a ratio from 0 (none) to 1 (all). */
export function randomPartAbove(ratio: number): string {
  if (ratio <= 0) return '~'
  if (ratio >= 1) return ''
  let rest = randomBitsAbove(ratio)
  let text = ''
  for (let i = 0; i < 11; i++, rest >>= 5n) text = alphabet[Number(rest & 31n)] + text
  return text
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
