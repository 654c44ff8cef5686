import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import type { SpanContext } from './trace-ids.ts'

/** A span that has begun, as what is called meanwhile sees it. */
export interface BegunSpan {
  readonly context: SpanContext
  /** Whether it is kept: then its children are. A failure is kept besides, whatever this says. */
  readonly kept: boolean
}

/**
 * The span that the code works under, for calls that are made meanwhile. Only for parts that answer or reconcile one thing at a time: API,
 * operator and prober. Receiver and worker carry no context: their spans follow from ids.
 */
export interface SpanScope {
  current(): BegunSpan | undefined
  under<Result>(span: BegunSpan, act: () => Result): Result
}

export function openSpanScope(): SpanScope {
  const storage = new AsyncLocalStorage<BegunSpan>()
  return { current: () => storage.getStore(), under: (span, act) => storage.run(span, act) }
}

/** Ids of a span that no event or delivery is behind. @param traceId default: one of its own */
export function drawSpan(traceId: string = randomBytes(16).toString('hex')): SpanContext {
  return { traceId, spanId: randomBytes(8).toString('hex') }
}
