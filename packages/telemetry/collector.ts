import {
  convertLegacyHttpOptions,
  createOtlpHttpExportDelegate,
} from '@opentelemetry/otlp-exporter-base/node-http'
import type { Collector } from './send-spans.ts'

/**
 * Sends requests to a collector as OpenTelemetry's exporters do: headers, time-out, compression and certificates by
 * `OTEL_EXPORTER_OTLP_*`, and again where the collector asks for it. Of the exporter only the sending is used: `encode-span.ts` writes
 * the requests. The package calls itself internal, so its version is exact.
 */
export function openCollector(url: string): Collector {
  const delegate = createOtlpHttpExportDelegate<Buffer, object>(
    convertLegacyHttpOptions({ url }, 'TRACES', 'v1/traces', { 'Content-Type': 'application/x-protobuf' }),
    { serializeRequest: request => request, deserializeResponse: () => ({}) },
    'otlp_http_span_exporter',
    // Its own metrics go nowhere: ours count spans.
    { name: 'span', countItems: () => 1 },
    undefined,
  )
  return {
    send(request) {
      const { promise, resolve } = Promise.withResolvers<boolean>()
      try {
        // `ExportResultCode.SUCCESS` is 0.
        delegate.export(request, ({ code }) => resolve(code === 0))
      } catch {
        resolve(false)
      }
      return promise
    },
    close: () => delegate.shutdown(),
  }
}
