import { createHash } from 'node:crypto'
import { type EventId, writeBits } from '@fairlead/webhook/id'
import type { Redis } from 'ioredis'
import { dayOf, daysLookedUp, keptAfterDayMs, ticksPerDay } from './ticks.ts'

/**
 * Ids of accepted events in Redis: a tree for each day, whose nodes are small hashes.
 *
 *   fairlead:{seen}:<generation>:<day>:3f       up to 256 ids whose digest begins with 3f
 *                                └── full? ──▶ …:3f0  …:3f1  … …:3ff     and so on, a digit deeper
 *
 * A field is the id's own 128 bits; its value is the 12-minute step within the day and 24 bits of the body's digest. The first field, `full`, says
 * whether there is a next level, so that each level is one look. Nothing is shortened or hashed again: an id is taken
 * for another only where two event ids are equal.
 *
 * A hash of so few small fields stays one packed block (`listpack`, before Redis 7 `ziplist`: up to 512 entries of 64
 * bytes unless configured otherwise). Nodes appear only under full ones, so what a key costs (some 130 bytes) is spread
 * over many ids, however many there are: about 26 bytes an id from 20,000 a day on (load-tests/seen.ts).
 *
 * A day's keys expire by themselves. All have one hash tag: in a cluster they are on one shard.
 */

export interface Buckets {
  /** For each id the time and body digest of its acceptance (see `readFound`), or -1 for an unknown id. Rejects as ioredis does. */
  find(ids: readonly EventId[], nowTick: number): Promise<readonly number[]>
  /** Remembers ids. Safe to repeat: the last call counts. */
  keep(entries: readonly KeptId[]): Promise<void>
  /**
   * Forgets ids of a day whose digest begins with a hexadecimal digit (0 to 15): some hundred nodes, or all that are left.
   * Redis does nothing else meanwhile, for about a millisecond.
   */
  forget(day: number, firstDigit: number): Promise<{ readonly ids: number; readonly all: boolean }>
}

export interface KeptId {
  readonly id: EventId
  readonly tick: number
  /** Digest of the event's body: 1 to 2^24 - 1, see `bodyDigest`. Default 0: not known; a known digest stays. */
  readonly digest?: number
}

/** A known id, as a search finds it. */
export function readFound(found: number): { readonly tick: number; readonly digest: number } {
  return { tick: found % 2 ** tickBits, digest: Math.floor(found / 2 ** tickBits) }
}

export interface BucketOptions {
  /**
   * Names what the ids were stored in: ids of a stream that no longer exists say nothing about the stream that took
   * its place.
   */
  readonly generation: string
  /** Ids of one hash; at most Redis' `hash-max-listpack-entries` (512). Default 256: a search reads all of them. */
  readonly bucketIds?: number
}

const idBytes = 16
const entryBytes = idBytes + 8
/** A value is the step within its day (below 128) and, in the bits above, a digest of the event's body; 0: not known. */
const stepBits = 7
/** What a search answers is the step since 1970 and, in the bits above, that digest: together less than 2^53. */
const tickBits = 26
/** Hexadecimal digits of the prefix, from the roots of a day to the last level, which has no bound: 4 billion nodes. */
const firstDepth = 2
const lastDepth = 8

// KEYS: root. ARGV: newest day, ids of 16 bytes.
const findScript = script(`
local root, newest, ids = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local found = {}
for at = 1, #ids, ${idBytes} do
  local id = string.sub(ids, at, at + ${idBytes - 1})
  local digits = string.format('%02x%02x%02x%02x', string.byte(id, 1, 4))
  local tick = -1
  for day = newest, newest - ${daysLookedUp - 1}, -1 do
    for depth = ${firstDepth}, ${lastDepth} do
      local known = redis.call('HMGET', root .. ':' .. day .. ':' .. string.sub(digits, 1, depth), 'full', id)
      if known[2] then
        local step = tonumber(known[2]) % ${2 ** stepBits}
        tick = day * ${ticksPerDay} + step + (tonumber(known[2]) - step) * ${2 ** (tickBits - stepBits)}
      end
      if known[2] or known[1] ~= '1' then break end
    end
    if tick >= 0 then break end
  end
  found[#found + 1] = tick
end
return found`)

// KEYS: root. ARGV: ids of a bucket, entries of 24 bytes (id, step and digest as big-endian numbers).
const keepScript = script(`
local root, limit, entries = KEYS[1], tonumber(ARGV[1]), ARGV[2]
for at = 1, #entries, ${entryBytes} do
  local id = string.sub(entries, at, at + ${idBytes - 1})
  local digits = string.format('%02x%02x%02x%02x', string.byte(id, 1, 4))
  local tick = struct.unpack('>I4', entries, at + ${idBytes})
  local day = math.floor(tick / ${ticksPerDay})
  local step = tick - day * ${ticksPerDay}
  local digest = struct.unpack('>I4', entries, at + ${idBytes + 4})
  for depth = ${firstDepth}, ${lastDepth} do
    local bucket = root .. ':' .. day .. ':' .. string.sub(digits, 1, depth)
    local known = redis.call('HMGET', bucket, 'full', id)
    if not known[1] then
      redis.call('HSET', bucket, 'full', 0, id, step + digest * ${2 ** stepBits})
      redis.call('PEXPIREAT', bucket, (day + 1) * 86400000 + ${keptAfterDayMs})
      break
    elseif known[2] or known[1] == '0' or depth == ${lastDepth} then
      if known[2] and digest == 0 then digest = math.floor(tonumber(known[2]) / ${2 ** stepBits}) end
      redis.call('HSET', bucket, id, step + digest * ${2 ** stepBits})
      if not known[2] and redis.call('HLEN', bucket) > limit then redis.call('HSET', bucket, 'full', 1) end
      break
    end
  end
end`)

/** Nodes of one call of `forget`. */
const forgottenNodes = 128

// KEYS: root. ARGV: day, first digit, nodes at most. A node goes after those below it, so that what is left can be reached.
const forgetScript = script(`
local day, first, left = KEYS[1] .. ':' .. ARGV[1] .. ':', ARGV[2], tonumber(ARGV[3])
local ids = 0
local function forget(bucket, depth)
  local full = redis.call('HGET', bucket, 'full')
  if not full then return true end
  if full == '1' and depth < ${lastDepth} then
    for digit = 0, 15 do
      if not forget(bucket .. string.format('%x', digit), depth + 1) then return false end
    end
  end
  if left == 0 then return false end
  left = left - 1
  ids = ids + redis.call('HLEN', bucket) - 1
  redis.call('UNLINK', bucket)
  return true
end
for second = 0, 15 do
  if not forget(day .. first .. string.format('%x', second), ${firstDepth}) then return {ids, 0} end
end
return {ids, 1}`)

export function openBuckets(redis: Redis, { generation, bucketIds = 256 }: BucketOptions): Buckets {
  const root = `fairlead:{seen}:${generation}`
  return {
    async find(ids, nowTick) {
      const packed = Buffer.allocUnsafe(ids.length * idBytes)
      for (const [index, id] of ids.entries()) writeBits(id, packed, index * idBytes)
      const ticks = await run(redis, findScript, root, [dayOf(nowTick), packed])
      if (!isTicks(ticks, ids.length))
        throw new TypeError('Redis answered something else than a step for each id')
      return ticks
    },
    async keep(entries) {
      const packed = Buffer.allocUnsafe(entries.length * entryBytes)
      for (const [index, { id, tick, digest = 0 }] of entries.entries()) {
        writeBits(id, packed, index * entryBytes)
        packed.writeUInt32BE(tick, index * entryBytes + idBytes)
        packed.writeUInt32BE(digest, index * entryBytes + idBytes + 4)
      }
      await run(redis, keepScript, root, [bucketIds, packed])
    },
    async forget(day, firstDigit) {
      const args = [day, firstDigit.toString(16), forgottenNodes]
      const answer = await run(redis, forgetScript, root, args)
      if (!isTicks(answer, 2)) throw new TypeError('Redis answered something else than two numbers')
      return { ids: answer[0]!, all: answer[1] === 1 }
    },
  }
}

function isTicks(answer: unknown, count: number): answer is readonly number[] {
  return Array.isArray(answer) && answer.length === count && answer.every(tick => typeof tick === 'number')
}

interface Script {
  readonly lua: string
  readonly sha: string
}

function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}

/** Redis forgets its scripts when it restarts: then, and the first time, the text goes along. */
async function run(
  redis: Redis,
  { lua, sha }: Script,
  key: string,
  args: readonly (number | string | Buffer)[],
): Promise<unknown> {
  try {
    return await redis.evalsha(sha, 1, key, ...args)
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
    return await redis.eval(lua, 1, key, ...args)
  }
}
