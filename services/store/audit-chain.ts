import { createHash } from 'node:crypto'

/** The digest before the first entry. */
export const chainStart: Uint8Array = new Uint8Array(32)

/** An entry as its digest covers it. */
export interface ChainedEntry {
  readonly id: string
  readonly at: Date
  readonly actor_kind: string
  readonly actor_id: string
  readonly actor_name: string
  readonly action: string
  readonly subject_id: string
  readonly details: unknown
  readonly via: string
  readonly address: string
  readonly agent: string
  readonly request_id: string
}

/** An entry as it is stored. */
export interface StoredEntry extends ChainedEntry {
  /** From 1. */
  readonly seq: number
  readonly before_sha256: Uint8Array
  readonly sha256: Uint8Array
}

/** A place in the chain, and the digest of all entries up to it. */
export interface ChainEnd {
  /** 0: before the first entry. */
  readonly seq: number
  readonly sha256: Uint8Array
}

/** A place where the chain differs from the chain that was written. */
export interface ChainFault {
  readonly kind: 'edited' | 'deleted' | 'inserted' | 'reordered' | 'truncated'
  /** The first place that is meant, from 1. */
  readonly seq: number
  /** The entry's id; absent for entries that are gone. */
  readonly id?: string
}

/**
 * SHA-256 of an entry at its place, after the entry before it. Covers values as Postgres gives them back:
 * times in milliseconds, as they are written, and JSON with sorted names, because jsonb keeps no order.
 */
export function chainDigest(before: Uint8Array, seq: number, entry: ChainedEntry): Buffer {
  const fields = [
    seq,
    entry.id,
    entry.at.getTime(),
    entry.actor_kind,
    entry.actor_id,
    entry.actor_name,
    entry.action,
    entry.subject_id,
    entry.details,
    entry.via,
    entry.address,
    entry.agent,
    entry.request_id,
  ]
  return createHash('sha256').update(before).update(JSON.stringify(fields, sortNames)).digest()
}

const sortNames = (_name: string, value: unknown) =>
  value && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value

/** Places, to either side, at which an entry that doesn't fit its own place is tried. */
const searched = 1_000

/**
 * Finds the places where a chain differs from the chain that was written. Pure. Each entry's digest says at which place it was
 * written, which tells an edit from a deletion, an insertion and a changed order.
 *
 * @param entries by their place, ascending
 * @param head where the chain ends; undefined: nothing was ever written
 */
export function findChainFaults(entries: readonly StoredEntry[], head: ChainEnd | undefined): ChainFault[] {
  const end = head?.seq ?? 0
  const writtenAt = new Map(entries.map(entry => [entry, placeOf(entry, end)]))
  const owner = new Map<number, StoredEntry>()
  for (const [entry, seq] of writtenAt) {
    // Past the recorded end nothing was written.
    if (seq !== undefined && seq <= end && !owner.has(seq)) owner.set(seq, entry)
  }
  const faults: ChainFault[] = []
  for (const entry of entries) {
    const { seq, id } = entry
    if (owner.get(writtenAt.get(entry) ?? 0) === entry) continue
    const isEdited = seq <= end && !owner.has(seq)
    if (isEdited) owner.set(seq, entry)
    faults.push({ kind: isEdited ? 'edited' : 'inserted', seq, id })
  }
  faults.push(...missing(owner, end), ...outOfOrder(entries, writtenAt), ...unlinked(owner, head, faults))
  return faults.sort((a, b) => a.seq - b.seq)
}

/** A walk over a chain from its first entry, which holds none of them. */
export interface ChainWalk {
  /** Takes the next entry by place. */
  take(entry: StoredEntry): void
  /** Each entry so far is as it was written, at its own place, behind the one before. */
  readonly isIntact: boolean
  /** Whether the whole chain is intact and ends where it says. */
  endsIn(head: ChainEnd | undefined): boolean
  /** Whether it goes through the end that was noted, where it is intact. */
  notedFault(head: ChainEnd | undefined): ChainFault | undefined
}

/** @param noted an end that the chain had before; undefined: none was noted */
export function openChainWalk(noted: ChainEnd | undefined): ChainWalk {
  let at: ChainEnd = { seq: 0, sha256: chainStart }
  let isIntact = true
  let atNoted: StoredEntry | undefined
  return {
    take(entry) {
      const { seq, before_sha256, sha256 } = entry
      const isNext = seq === at.seq + 1 && same(before_sha256, at.sha256)
      if (!isNext || !same(chainDigest(before_sha256, seq, entry), sha256)) isIntact = false
      if (noted?.seq === seq) atNoted = entry
      at = { seq, sha256 }
    },
    get isIntact() {
      return isIntact
    },
    endsIn: head => isIntact && at.seq === (head?.seq ?? 0) && same(at.sha256, head?.sha256 ?? chainStart),
    notedFault: head => noted && findNotedFault(atNoted ? [atNoted] : [], head, noted),
  }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b)

/**
 * Whether a chain goes through an end that was noted before. A chain that somebody made anew, digests and recorded end
 * included, has no fault in itself: the noted end tells. Pure.
 */
export function findNotedFault(
  entries: readonly StoredEntry[],
  head: ChainEnd | undefined,
  noted: ChainEnd,
): ChainFault | undefined {
  if (noted.seq === 0) return undefined
  if (noted.seq > (head?.seq ?? 0)) return { kind: 'truncated', seq: (head?.seq ?? 0) + 1 }
  const entry = entries.find(({ seq }) => seq === noted.seq)
  if (!entry) return { kind: 'deleted', seq: noted.seq }
  return Buffer.from(entry.sha256).equals(noted.sha256)
    ? undefined
    : { kind: 'edited', seq: noted.seq, id: entry.id }
}

/** The place that an entry's digest was made for; undefined: none fits, so its text was changed. */
function placeOf(entry: StoredEntry, end: number): number | undefined {
  const fits = (seq: number) => chainDigest(entry.before_sha256, seq, entry).equals(entry.sha256)
  if (fits(entry.seq)) return entry.seq
  for (let seq = Math.max(1, entry.seq - searched); seq <= Math.min(end, entry.seq + searched); seq++) {
    if (fits(seq)) return seq
  }
  return undefined
}

/** A fault for each run of places without an entry; a run at the end was cut off. */
function missing(owner: ReadonlyMap<number, StoredEntry>, end: number): ChainFault[] {
  const faults: ChainFault[] = []
  for (let seq = 1; seq <= end; seq++) {
    if (owner.has(seq)) continue
    const first = seq
    while (seq < end && !owner.has(seq + 1)) seq++
    faults.push({ kind: seq === end ? 'truncated' : 'deleted', seq: first })
  }
  return faults
}

/** Entries that stand before an entry that was written earlier. */
function outOfOrder(
  entries: readonly StoredEntry[],
  writtenAt: ReadonlyMap<StoredEntry, number | undefined>,
): ChainFault[] {
  const faults: ChainFault[] = []
  let latest = 0
  for (const entry of entries) {
    const at = writtenAt.get(entry)
    if (at === undefined) continue
    if (at < latest) faults.push({ kind: 'reordered', seq: entry.seq, id: entry.id })
    latest = Math.max(latest, at)
  }
  return faults
}

/** Entries whose digest fits their text, and not the next entry's: edited, with a new digest. */
function unlinked(
  owner: ReadonlyMap<number, StoredEntry>,
  head: ChainEnd | undefined,
  known: readonly ChainFault[],
): ChainFault[] {
  const faults: ChainFault[] = []
  for (const [seq, entry] of owner) {
    const after = seq === head?.seq ? head.sha256 : owner.get(seq + 1)?.before_sha256
    if (!after || Buffer.from(after).equals(entry.sha256)) continue
    if (known.some(fault => fault.seq === entry.seq || fault.seq === entry.seq + 1)) continue
    faults.push({ kind: 'edited', seq: entry.seq, id: entry.id })
  }
  return faults
}
