import { setTimeout as delay } from 'node:timers/promises'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'

/**
 * Sends spans many at a time, one request after the other. Never waited for: while the collector is slow or away, spans wait up
 * to a bound, and what comes then is dropped and counted.
 *
 * Not the SDK's BatchSpanProcessor, which tells its drops to nobody.
 */
export interface SpanQueue extends AsyncDisposable {
  add(span: ReadableSpan): void
}

export interface SpanQueueOptions {
  readonly exporter: SpanExporter
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

export function openSpanQueue({ exporter, most, batch, lingerMs, counted }: SpanQueueOptions): SpanQueue {
  let waiting: ReadableSpan[] = []
  let underWay = 0
  let sending: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let pauseMs = 0
  let stopping = false

  function look(): void {
    if (sending || stopping || waiting.length === 0) return
    if (pauseMs === 0 && waiting.length >= batch) {
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

  async function sendOne(): Promise<void> {
    const spans = waiting.splice(0, batch)
    underWay = spans.length
    const ok = await exported(exporter, spans)
    pauseMs = ok ? 0 : Math.min(longestPauseMs, 2 * pauseMs || firstPauseMs)
    // A stop has counted them as failed.
    if (underWay > 0) counted(ok ? 'exported' : 'failed', spans.length)
    underWay = 0
  }

  async function sendAll(): Promise<void> {
    await sending
    while (waiting.length > 0) await sendOne()
    await exporter.shutdown()
  }

  return {
    add(span) {
      if (waiting.length >= most || stopping) {
        counted('dropped', 1)
        return
      }
      waiting.push(span)
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
      if (waiting.length > 0) counted('dropped', waiting.length)
      underWay = 0
      waiting = []
    },
  }
}

/** `ExportResultCode.SUCCESS` is 0. */
function exported(exporter: SpanExporter, spans: ReadableSpan[]): Promise<boolean> {
  return new Promise(resolve => {
    try {
      exporter.export(spans, ({ code }) => resolve(code === 0))
    } catch {
      resolve(false)
    }
  })
}
