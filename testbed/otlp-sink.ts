import { gunzipSync } from 'node:zlib'
import { startSink } from './sink.ts'
import { until } from './until.ts'

/** A span as it came over the wire. */
export interface ReceivedSpan {
  /** `service.name` of its resource. */
  readonly service: string
  readonly traceId: string
  readonly spanId: string
  /** Empty: it begins its trace. */
  readonly parentSpanId: string
  readonly name: string
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer'
  /** Unix milliseconds, with fractions. */
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Readonly<Record<string, string | number | boolean>>
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly failed: boolean
}

/** A collector of OpenTelemetry as far as an exporter sees it: OTLP over HTTP with protobuf. */
export interface OtlpSink extends AsyncDisposable {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string
  /** In the order of their arrival. */
  spans(): readonly ReceivedSpan[]
  /** Requests so far. */
  requests(): number
  /** Spans that fit, once there are at least so many. */
  waitFor(fits: (span: ReceivedSpan) => boolean, count?: number): Promise<readonly ReceivedSpan[]>
  /** From now on answers with this status. */
  answer(status: number): void
}

export async function startOtlpSink(): Promise<OtlpSink> {
  const sink = await startSink({ status: 200, headers: { 'content-type': 'application/x-protobuf' } })
  const read: ReceivedSpan[] = []
  let next = 0
  const spans = () => {
    for (; next < sink.received.length; next++) {
      const { url, headers, body } = sink.received[next]!
      if (url !== '/v1/traces' || headers['content-type'] !== 'application/x-protobuf')
        throw new Error(`no OTLP over HTTP with protobuf: ${url} ${headers['content-type']}`)
      read.push(...readTraces(headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body))
    }
    return read
  }
  return {
    url: sink.url,
    spans,
    requests: () => sink.received.length,
    waitFor: (fits, count = 1) =>
      until(
        () => {
          const found = spans().filter(fits)
          return found.length >= count && found
        },
        { what: `${count} fitting spans`, deadlineMs: 60_000 },
      ),
    answer: status => sink.answer({ status, headers: { 'content-type': 'application/x-protobuf' } }),
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  }
}

/** A message of protobuf: values by the number of their field (https://protobuf.dev/programming-guides/encoding/). */
type Message = ReadonlyMap<number, readonly (bigint | Buffer)[]>

function readMessage(bytes: Buffer): Message {
  const fields = new Map<number, (bigint | Buffer)[]>()
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  const take = (length: number): Buffer => {
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const value = readValue(tag & 7, varint, take)
    const known = fields.get(tag >> 3)
    if (known) known.push(value)
    else fields.set(tag >> 3, [value])
  }
  return fields
}

function readValue(
  wireType: number,
  varint: () => bigint,
  take: (length: number) => Buffer,
): bigint | Buffer {
  if (wireType === 0) return varint()
  if (wireType === 1) return take(8).readBigUInt64LE()
  if (wireType === 2) return take(Number(varint()))
  if (wireType === 5) return BigInt(take(4).readUInt32LE())
  throw new Error(`unknown wire type ${wireType}`)
}

const messages = (of: Message, field: number): Message[] =>
  (of.get(field) ?? []).map(value => readMessage(value as Buffer))
const bytesOf = (of: Message, field: number): Buffer =>
  (of.get(field)?.[0] as Buffer | undefined) ?? Buffer.alloc(0)
const number = (of: Message, field: number): number => Number(of.get(field)?.[0] ?? 0)
const millis = (of: Message, field: number): number =>
  Number(BigInt(of.get(field)?.[0] as bigint) / 1000n) / 1000

/** opentelemetry/proto/trace/v1/trace.proto: ExportTraceServiceRequest → ResourceSpans → ScopeSpans → Span. */
function readTraces(body: Buffer): ReceivedSpan[] {
  return messages(readMessage(body), 1).flatMap(resourceSpans => {
    const service = messages(resourceSpans, 1).map(resource => attributesOf(resource, 1)['service.name'])[0]
    return messages(resourceSpans, 2).flatMap(scope =>
      messages(scope, 2).map(span => readSpan(span, String(service))),
    )
  })
}

const kinds = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'] as const

const readSpan = (span: Message, service: string): ReceivedSpan => ({
  service,
  traceId: bytesOf(span, 1).toString('hex'),
  spanId: bytesOf(span, 2).toString('hex'),
  parentSpanId: bytesOf(span, 4).toString('hex'),
  name: bytesOf(span, 5).toString(),
  kind: kinds[number(span, 6)]!,
  startMs: millis(span, 7),
  endMs: millis(span, 8),
  attributes: attributesOf(span, 9),
  links: messages(span, 13).map(link => ({
    traceId: bytesOf(link, 1).toString('hex'),
    spanId: bytesOf(link, 2).toString('hex'),
  })),
  failed: messages(span, 15).some(status => number(status, 3) === 2),
})

/** KeyValue → AnyValue: string 1, bool 2, int 3, double 4. */
function attributesOf(of: Message, field: number): Record<string, string | number | boolean> {
  return Object.fromEntries(
    messages(of, field).map(pair => {
      const value = messages(pair, 2)[0]!
      const [kind = 1] = value.keys()
      return [bytesOf(pair, 1).toString(), readAny(value, kind)]
    }),
  )
}

function readAny(value: Message, kind: number): string | number | boolean {
  const raw = value.get(kind)?.[0]
  if (kind === 1) return (raw as Buffer).toString()
  if (kind === 2) return raw === 1n
  if (kind === 3) return Number(BigInt.asIntN(64, raw as bigint))
  const double = Buffer.alloc(8)
  double.writeBigUInt64LE(raw as bigint)
  return double.readDoubleLE()
}
