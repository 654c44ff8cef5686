import type { SpanContext } from './trace-ids.ts'

/** A span that has ended, with the times that were measured for the log and the metrics anyway. */
export interface Span {
  /** Low in cardinality: no id, no organization. */
  readonly name: string
  readonly kind: SpanKind
  readonly context: SpanContext
  /** The parent's span id; it is in the same trace. Absent: it begins the trace. */
  readonly parent?: string | undefined
  readonly links?: readonly SpanContext[] | undefined
  /** Unix milliseconds, with fractions. */
  readonly startMs: number
  readonly endMs: number
  /** Why it failed, a word of a closed list: `error.type`. Absent: it did not. */
  readonly error?: string | undefined
  /** Undefined ones are left out. */
  readonly attributes: Readonly<Record<string, string | number | boolean | undefined>>
}

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer'
