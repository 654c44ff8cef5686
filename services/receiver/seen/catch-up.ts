import { setTimeout as delay } from 'node:timers/promises'
import { type EventId, parseId } from '@fairlead/webhook/id'
import { streamName } from '@fairlead/wire/streams'
import { DeliverPolicy, jetstream } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Keeper } from './keeper.ts'
import type { Roll } from './roll.ts'
import { rememberedHours, tickMs, tickOf } from './ticks.ts'

/** An event as EVENTS holds it. */
export interface Stored {
  readonly id: EventId
  readonly storedAtMs: number
}

export type StoredSince = (sinceMs: number, signal: AbortSignal) => AsyncIterable<Stored>

/** Ids of what EVENTS has stored since a moment, to its end as it is now; bodies are not read. */
export function storedSince(nats: NatsConnection): StoredSince {
  return async function* read(sinceMs, signal) {
    const consumer = await jetstream(nats).consumers.get(streamName.events, {
      deliver_policy: DeliverPolicy.StartTime,
      opt_start_time: new Date(sinceMs).toISOString(),
      headers_only: true,
    })
    if ((await consumer.info()).num_pending === 0) return
    const messages = await consumer.consume({ max_messages: 500 })
    const stop = () => messages.stop()
    signal.addEventListener('abort', stop, { once: true })
    try {
      for await (const message of messages) {
        const id = parseId('evt', message.headers?.get('Nats-Msg-Id') ?? '')
        if (id) yield { id, storedAtMs: message.time.getTime() }
        if (message.info.pending === 0) return
      }
    } finally {
      signal.removeEventListener('abort', stop)
      await messages.close()
    }
  }
}

export interface CatchUpOptions {
  readonly roll: Roll
  readonly keeper: Keeper
  readonly stored: StoredSince
  /** Between two lines of this receiver in the roll, in ms. Default 10,000. */
  readonly signEveryMs?: number
  /** After this long without a line a receiver has ended, in ms. Default 60,000: well within JetStream's own window. */
  readonly absentMs?: number
  ready(): boolean
  now(): number
}

/** How long an acknowledgement can be on its way, ms: the longest FAIRLEAD_PUBLISH_TIMEOUT_MS. */
const inFlightMs = 30_000
/** Ids read and not yet written, before reading waits; requests need the rest of the room. */
const readAheadLimit = 5_000

/**
 * Closes the gap that a receiver leaves when it is killed between an acknowledgement and the write, or while Redis was
 * away: another one (or the same, started again) reads from EVENTS what it can't have written. What found no room in
 * memory while Redis was away is read the same way, by the receiver itself.
 */
export interface CatchUp extends AsyncDisposable {
  /** Writes this receiver's line and looks for gaps at once, because Redis answers again. */
  resume(): void
}

export function openCatchUp(options: CatchUpOptions): CatchUp {
  const { roll, keeper, stored, signEveryMs = 10_000, absentMs = 60_000, ready, now } = options
  const readAhead = Math.min(readAheadLimit, keeper.limit / 2)
  const closing = new AbortController()
  let turn: Promise<void> | undefined
  const timer = setInterval(startTurn, signEveryMs)
  timer.unref()

  function startTurn(): void {
    if (!ready() || closing.signal.aborted) return
    turn ??= takeTurn()
      // Redis or NATS went away: the line stays in the roll, and a later turn starts again.
      .catch(() => {})
      .finally(() => {
        turn = undefined
      })
  }

  /** From when on EVENTS has yet to be read, by this receiver or in the place of one that ended. */
  let owedSinceMs: number | undefined

  async function takeTurn(): Promise<void> {
    const gap = keeper.takeGap()
    if (gap) owe(gap.tick * tickMs)
    await roll.sign(writtenUpToMs())
    for (const { name, upToMs } of await roll.absent(now() - absentMs)) {
      // The gap is this receiver's from here on: if this process ends too, its own line covers it.
      owe(upToMs)
      await roll.sign(writtenUpToMs())
      await roll.strike(name)
    }
    if (owedSinceMs === undefined) return
    await readSince(owedSinceMs)
    if (closing.signal.aborted) return
    owedSinceMs = undefined
    await roll.sign(writtenUpToMs())
  }

  function owe(sinceMs: number): void {
    owedSinceMs = Math.min(owedSinceMs ?? Number.POSITIVE_INFINITY, sinceMs)
  }

  async function readSince(upToMs: number): Promise<void> {
    const sinceMs = Math.max(upToMs - inFlightMs, now() - rememberedHours * 3_600_000)
    for await (const { id, storedAtMs } of stored(sinceMs, closing.signal)) {
      keeper.keep({ id, tick: tickOf(storedAtMs) })
      while (keeper.waiting > readAhead && !closing.signal.aborted) await delay(20)
    }
    while (keeper.waiting > 0 && !closing.signal.aborted) await delay(20)
  }

  function writtenUpToMs(): number {
    const oldest = keeper.oldest
    const writtenMs = oldest === undefined ? now() : oldest.tick * tickMs
    return Math.min(owedSinceMs ?? writtenMs, writtenMs)
  }

  return {
    resume: startTurn,
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      closing.abort()
      await turn
      await keeper.close()
      // A good end leaves no line and no work; any other leaves the last one.
      if (ready() && owedSinceMs === undefined && keeper.waiting === 0)
        await roll.strike(roll.name).catch(() => {})
    },
  }
}
