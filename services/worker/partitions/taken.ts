import type { PulledMessage } from '@fairlead/wire/pull'
import type { MessageOrigin } from '../delivery/delivery.ts'
import type { DeliveryLog } from '../engine.ts'

/**
 * Messages that a partition has taken. Each is acknowledged when all that follows from it is stored. Until then it is kept
 * alive by `working()`, so that `ack_wait` can be short: after a crash the next owner gets it within seconds.
 */
export interface InHand {
  /** Undefined: a copy of one that is in hand, or was acknowledged. */
  take(kind: 'event' | 'due', message: PulledMessage): Taken | undefined
  /** Resolves when none is in hand. */
  idle(): Promise<void>
  close(): void
}

const keepAliveMs = 1_500
/** About 80 bytes each. */
const rememberedAcks = 8_192

/** @param signal aborts when the partition is given up */
export function openInHand(log: DeliveryLog, signal: AbortSignal): InHand {
  const inHand = new Map<string, Taken>()
  const acknowledged = openRecent(rememberedAcks)
  let idle: PromiseWithResolvers<void> | undefined
  let timer: NodeJS.Timeout | undefined

  function keepAlive(): void {
    timer = undefined
    const before = performance.now() - keepAliveMs
    for (const { message, sinceMs } of inHand.values()) if (sinceMs < before) message.working()
    // While nothing is in hand, no partition has a timer.
    if (inHand.size > 0) timer = setTimeout(keepAlive, keepAliveMs)
  }

  function end(key: string, taken: Taken, fault: Fault | undefined): void {
    const { message } = taken
    inHand.delete(key)
    if (inHand.size === 0) idle?.resolve()
    if (!fault) {
      acknowledged.add(key)
      taken.ended?.()
      message.ack()
      return
    }
    const { error } = fault
    if (error === handedBack || signal.aborted) {
      message.nak()
    } else if (isUnreadable(error)) {
      log.error({ err: error, subject: message.subject, seq: message.seq }, 'message.unreadable')
      message.term('unreadable')
    } else {
      log.error({ err: error, subject: message.subject, seq: message.seq }, 'worker.failed')
      message.nak(1_000)
    }
  }

  return {
    take(kind, message) {
      const key = `${kind}.${message.seq}.${message.storedAt}`
      if (inHand.has(key)) return undefined
      // An acknowledgement is lost with its connection: what was done is not done again for that.
      if (message.deliveries > 1 && acknowledged.has(key)) {
        message.ack()
        return undefined
      }
      const taken = new Taken(kind, key, message, end)
      inHand.set(key, taken)
      timer ??= setTimeout(keepAlive, keepAliveMs)
      return taken
    },
    async idle() {
      if (inHand.size === 0) return
      idle ??= Promise.withResolvers()
      await idle.promise
    },
    close: () => clearTimeout(timer),
  }
}

interface Fault {
  readonly error: unknown
}

const handedBack = Symbol('handed back')

/** One message, and how many things that follow from it are not stored yet. A class, because each delivery has one. */
export class Taken implements MessageOrigin {
  readonly kind: 'event' | 'due'
  readonly message: PulledMessage
  readonly sinceMs = performance.now()
  ended: (() => void) | undefined
  readonly #key: string
  readonly #end: (key: string, taken: Taken, fault: Fault | undefined) => void
  #expected = 0
  /** What is not stored yet, and 1 until the message is handed over. */
  #open = 1
  #fault: Fault | undefined

  constructor(
    kind: 'event' | 'due',
    key: string,
    message: PulledMessage,
    end: (key: string, taken: Taken, fault: Fault | undefined) => void,
  ) {
    this.kind = kind
    this.message = message
    this.#key = key
    this.#end = end
  }

  get storedMs(): number {
    return Number(this.message.storedAt) / 1e6
  }

  /** `count` things follow from the message: `done` or `failed` is called for each of them, `handedOver` once besides. */
  expect(count: number): void {
    this.#expected += count
    this.#open += count
  }

  /** The message's deliveries hold what is still needed of it; the message itself is dropped. */
  handedOver(): void {
    this.message.forget()
    this.done()
  }

  done(): void {
    this.#open--
    if (this.#open === 0) this.#end(this.#key, this, this.#fault)
  }

  failed(error: unknown): void {
    this.#fault ??= { error }
    this.done()
  }

  handBack(): boolean {
    if (this.#expected > 1) return false
    this.failed(handedBack)
    return true
  }
}

/** The newest of many, without those before. */
function openRecent(most: number): { add(key: string): void; has(key: string): boolean } {
  const keys = new Set<string>()
  return {
    has: key => keys.has(key),
    add(key) {
      keys.add(key)
      if (keys.size <= most) return
      const [oldest] = keys
      if (oldest !== undefined) keys.delete(oldest)
    },
  }
}

function isUnreadable(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.endsWith('_unreadable')
  )
}
