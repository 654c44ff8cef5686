import { ProtobufWriter } from './protobuf-writer.ts'
import type { Span, SpanKind } from './span.ts'
import type { SpanContext } from './trace-ids.ts'

/**
 * Spans as OTLP writes them in protobuf (https://github.com/open-telemetry/opentelemetry-proto, trace/v1/trace.proto). The exporter's
 * own serializer takes records that have to be made first, and five times as long as this one
 * (docs/adr/0080-lean-spans-and-scrapes.md); a test compares what both write.
 */

/** Tags: the number of a field, then how its value is written (0 varint, 1 eight bytes, 2 with its length, 5 four bytes). */
const varint = (field: number) => field << 3
const eightBytes = (field: number) => (field << 3) | 1
const withLength = (field: number) => (field << 3) | 2
const fourBytes = (field: number) => (field << 3) | 5

const spanTags = {
  traceId: withLength(1),
  spanId: withLength(2),
  parentSpanId: withLength(4),
  name: withLength(5),
  kind: varint(6),
  start: eightBytes(7),
  end: eightBytes(8),
  attributes: withLength(9),
  links: withLength(13),
  status: withLength(15),
  flags: fourBytes(16),
}
const linkTags = { traceId: withLength(1), spanId: withLength(2), flags: fourBytes(6) }
const pairTags = { key: withLength(1), value: withLength(2) }
const valueTags = { string: withLength(1), bool: varint(2), int: varint(3), double: eightBytes(4) }
const statusCodeTag = varint(3)
const scopeSpansTags = { scope: withLength(1), spans: withLength(2) }
const resourceSpansTags = { resource: withLength(1), scopeSpans: withLength(2) }
const resourceSpansTag = withLength(1)
const resourceAttributesTag = withLength(1)
const scopeNameTag = withLength(1)

const kinds: Readonly<Record<SpanKind, number>> = {
  internal: 1,
  server: 2,
  client: 3,
  producer: 4,
  consumer: 5,
}
const failed = 2
/** The trace flag `sampled`. */
const sampled = 1

export interface SpanEncoder {
  /** Appends a span to the batch. */
  add(span: Span): void
  /** Spans of the batch so far. */
  readonly count: number
  /** A whole request to a collector, of the batch; the next batch begins. */
  take(): Buffer
}

/** @param resource attributes of the process, the same of each span */
export function openSpanEncoder(resource: Readonly<Record<string, string>>): SpanEncoder {
  const writer = new ProtobufWriter()
  const put = openAttributeWriter(writer)
  const nameOf = openWritten(spanTags.name)
  const head = headOf(resource)
  let count = 0
  return {
    add(span) {
      putSpan(writer, nameOf(span.name), put, span)
      count++
    },
    get count() {
      return count
    },
    take() {
      count = 0
      return requestOf(head, writer.take())
    },
  }
}

type PutAttribute = (tag: number, name: string, value: string | number | boolean) => void

function putSpan(writer: ProtobufWriter, name: Uint8Array, put: PutAttribute, span: Span): void {
  const start = writer.begin(scopeSpansTags.spans, 2)
  writer.hex(spanTags.traceId, span.context.traceId)
  writer.hex(spanTags.spanId, span.context.spanId)
  if (span.parent !== undefined) writer.hex(spanTags.parentSpanId, span.parent)
  writer.raw(name)
  writer.integer(spanTags.kind, kinds[span.kind])
  writer.nanoseconds(spanTags.start, span.startMs)
  writer.nanoseconds(spanTags.end, span.endMs)
  const { attributes } = span
  for (const name in attributes) {
    const value = attributes[name]
    if (value !== undefined) put(spanTags.attributes, name, value)
  }
  if (span.error !== undefined) put(spanTags.attributes, 'error.type', span.error)
  if (span.links) for (const link of span.links) putLink(writer, link)
  if (span.error !== undefined) {
    const status = writer.begin(spanTags.status, 1)
    writer.integer(statusCodeTag, failed)
    writer.end(status, 1)
  }
  writer.fixed32(spanTags.flags, sampled)
  writer.end(start, 2)
}

function putLink(writer: ProtobufWriter, { traceId, spanId }: SpanContext): void {
  const start = writer.begin(spanTags.links, 1)
  writer.hex(linkTags.traceId, traceId)
  writer.hex(linkTags.spanId, spanId)
  writer.fixed32(linkTags.flags, sampled)
  writer.end(start, 1)
}

/** Names of spans and of attributes are few: each is written once as its field, and copied from then on. */
function openWritten(tag: number): (name: string) => Uint8Array {
  const names = new Map<string, Uint8Array>()
  return name => {
    const known = names.get(name)
    if (known) return known
    const writer = new ProtobufWriter()
    writer.text(tag, name)
    const written = Uint8Array.from(writer.take())
    names.set(name, written)
    return written
  }
}

function openAttributeWriter(writer: ProtobufWriter): PutAttribute {
  const nameOf = openWritten(pairTags.key)
  return (tag, name, value) => {
    if (typeof value === 'string') {
      writer.pair(tag, nameOf(name), pairTags.value, valueTags.string, value)
      return
    }
    const start = writer.begin(tag, 1)
    writer.raw(nameOf(name))
    const inner = writer.begin(pairTags.value, 1)
    if (typeof value === 'boolean') writer.integer(valueTags.bool, value ? 1 : 0)
    else if (Number.isInteger(value)) writer.integer(valueTags.int, value)
    else writer.double(valueTags.double, value)
    writer.end(inner, 1)
    writer.end(start, 1)
  }
}

interface Head {
  readonly resource: Buffer
  readonly scope: Buffer
}

function headOf(resource: Readonly<Record<string, string>>): Head {
  const writer = new ProtobufWriter()
  const put = openAttributeWriter(writer)
  const inResource = writer.begin(resourceSpansTags.resource, 2)
  for (const [name, value] of Object.entries(resource)) put(resourceAttributesTag, name, value)
  writer.end(inResource, 2)
  const written = writer.take()
  const inScope = writer.begin(scopeSpansTags.scope, 1)
  writer.text(scopeNameTag, 'fairlead')
  writer.end(inScope, 1)
  return { resource: written, scope: writer.take() }
}

/** ExportTraceServiceRequest: resource_spans → scope_spans → the spans. */
function requestOf({ resource, scope }: Head, spans: Buffer): Buffer {
  const inner = lengthPrefix(resourceSpansTags.scopeSpans, scope.length + spans.length)
  const outer = lengthPrefix(resourceSpansTag, resource.length + inner.length + scope.length + spans.length)
  return Buffer.concat([outer, resource, inner, scope, spans])
}

/** The tag of a field, and the length of its content. */
function lengthPrefix(tag: number, length: number): Buffer {
  const bytes = [tag]
  let rest = length
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  bytes.push(rest)
  return Buffer.from(bytes)
}
