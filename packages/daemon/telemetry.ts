/**
 * OpenTelemetry traces, only where they are configured: without `OTEL_EXPORTER_OTLP_ENDPOINT` (or its traces
 * variant) the SDK isn't even loaded and the API's calls do nothing. All of the SDK's own environment variables hold
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). Metrics stay with Prometheus and
 * logs with standard output.
 *
 * Start it before anything else; dispose of it last, which sends what is waiting.
 */
export async function startTelemetry(
  service: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<AsyncDisposable> {
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT
  if (!endpoint || env.OTEL_SDK_DISABLED === 'true') return { [Symbol.asyncDispose]: async () => {} }
  const { NodeSDK } = await import('@opentelemetry/sdk-node')
  const sdk = new NodeSDK({
    serviceName: env.OTEL_SERVICE_NAME || `fairlead-${service}`,
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [],
  })
  sdk.start()
  return { [Symbol.asyncDispose]: () => sdk.shutdown() }
}
