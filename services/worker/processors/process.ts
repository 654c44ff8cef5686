import type { EventMeta } from '@fairlead/wire/event'

/**
 * A built-in processor: a destination that is code of the worker instead of an address. It meets the same lane,
 * retries and dead letters as any destination, and so may be called more than once for one delivery: its
 * effects must be safe to repeat, by the event's id.
 */
export interface Processor {
  /**
   * Resolves when the event is dealt with.
   * @throws ProcessorError to have the event tried again; ProcessorAwayError where the attempt could not be made at all; any
   * other error counts as a fault of Fairlead's, and is retried too
   */
  process(event: ProcessedEvent, signal: AbortSignal): Promise<void>
}

export interface ProcessedEvent {
  readonly meta: EventMeta
  readonly body: Uint8Array
  /** The organization's slug. */
  readonly organization: string
  /** The destination's name. */
  readonly destination: string
  /** A key for the provider's API, which the tenant gave for the event's source; undefined: none. */
  readonly hydrationKey?: string | undefined
}

/** Thrown for an event that could not be processed. The message goes into the event log, and must hold no secret. */
export class ProcessorError extends Error {
  override readonly name = 'ProcessorError'
}

/**
 * Thrown where something that the processor needs (the store) can't be reached: the delivery waits, however long that takes, and
 * spends no attempt.
 */
export class ProcessorAwayError extends Error {
  override readonly name = 'ProcessorAwayError'
}
