import { setTimeout as delay } from 'node:timers/promises'
import { openSpanEncoder } from './encode-span.ts'
import type { Span } from './span.ts'

/**
 * Sends spans many at a time, one request after the other. Never waited for: while the collector is slow or away, spans wait up
 * to a bound, and what comes then is dropped and counted.
 *
 * Not the SDK's BatchSpanProcessor, which tells its drops to nobody. A span waits as the bytes that will be sent, about 600, and as no
 * object.
 */
export interface SpanQueue extends AsyncDisposable {
  add(span: Span): void
}

export interface Collector {
  /** Whether it took the request. Never rejects. */
  send(request: Buffer): Promise<boolean>
  close(): Promise<void>
}

export interface SpanQueueOptions {
  readonly collector: Collector
  /** Attributes of the process. */
  readonly resource: Readonly<Record<string, string>>
  /** Spans that wait. */
  readonly most: number
  /** Spans of one request. */
  readonly batch: number
  /** How long a span waits for others, ms. */
  readonly lingerMs: number
  readonly counted: (result: SpanResult, count: number) => void
}

/** What became of a span: a label of `fairlead_spans_total`. */
export const spanResults = ['exported', 'dropped', 'failed'] as const
export type SpanResult = (typeof spanResults)[number]

/** After a failure, ms; then twice as long each time. */
const firstPauseMs = 1_000
const longestPauseMs = 30_000
/** A stop sends what waits, and takes no longer, ms: a worker has 4 s for all of its own. */
const stopMs = 2_000

interface Request {
  readonly bytes: Buffer
  readonly spans: number
}

export function openSpanQueue(options: SpanQueueOptions): SpanQueue {
  const { collector, resource, most, batch, lingerMs, counted } = options
  const encoder = openSpanEncoder(resource)
  /** Whole requests that wait; the spans that came after them are in the encoder. */
  let whole: Request[] = []
  let waiting = 0
  let underWay = 0
  let sending: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let pauseMs = 0
  let stopping = false

  function look(): void {
    if (sending || stopping || waiting === 0) return
    if (pauseMs === 0 && whole.length > 0) {
      sending = sendOne().finally(sent)
      return
    }
    timer ??= setTimeout(() => {
      timer = undefined
      if (!stopping) sending ??= sendOne().finally(sent)
    }, pauseMs || lingerMs).unref()
  }

  function sent(): void {
    sending = undefined
    look()
  }

  function takeEncoded(): Request {
    return { spans: encoder.count, bytes: encoder.take() }
  }

  async function sendOne(): Promise<void> {
    const { bytes, spans } = whole.shift() ?? takeEncoded()
    waiting -= spans
    underWay = spans
    const ok = await collector.send(bytes)
    pauseMs = ok ? 0 : Math.min(longestPauseMs, 2 * pauseMs || firstPauseMs)
    // A stop has counted them as failed.
    if (underWay > 0) counted(ok ? 'exported' : 'failed', spans)
    underWay = 0
  }

  async function sendAll(): Promise<void> {
    await sending
    while (waiting > 0) await sendOne()
    await collector.close()
  }

  return {
    add(span) {
      if (waiting >= most || stopping) {
        counted('dropped', 1)
        return
      }
      encoder.add(span)
      waiting++
      if (encoder.count >= batch) whole.push(takeEncoded())
      look()
    },
    async [Symbol.asyncDispose]() {
      if (stopping) return
      stopping = true
      clearTimeout(timer)
      const patience = new AbortController()
      await Promise.race([
        sendAll().catch(() => {}),
        delay(stopMs, undefined, { signal: patience.signal }).catch(() => {}),
      ])
      patience.abort()
      if (underWay > 0) counted('failed', underWay)
      if (waiting > 0) counted('dropped', waiting)
      underWay = 0
      waiting = 0
      whole = []
    },
  }
}
