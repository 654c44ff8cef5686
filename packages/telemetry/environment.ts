import { z } from 'zod'

/**
 * OpenTelemetry's own environment variables, those that hold here: name → unit, default, reason
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). The exporter reads
 * `OTEL_EXPORTER_OTLP_[TRACES_]{HEADERS,TIMEOUT,COMPRESSION,CERTIFICATE,CLIENT_KEY,CLIENT_CERTIFICATE}` itself.
 */
export const tracingEnvironment = {
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url()
    .optional()
    .describe(
      'collector, such as http://otel-collector:4318; without one no span is made and no SDK is loaded',
    ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z
    .url()
    .optional()
    .describe('the whole URL for traces alone; comes before the other'),
  OTEL_SDK_DISABLED: z.enum(['true', 'false']).default('false').describe('true: as without a collector'),
  OTEL_TRACES_EXPORTER: z.enum(['otlp', 'none']).default('otlp').describe('none: as without a collector'),
  OTEL_TRACES_SAMPLER: z
    .enum([
      'traceidratio',
      'parentbased_traceidratio',
      'always_on',
      'parentbased_always_on',
      'always_off',
      'parentbased_always_off',
    ])
    .default('traceidratio')
    .describe(
      'which traces are kept besides failures, retries and slow ones, which always are; a sender never decides it, so that parentbased_ changes nothing',
    ),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe('with traceidratio: the part of all traces that is kept'),
  OTEL_SERVICE_NAME: z.string().optional().describe('name of the process in traces; default fairlead-<part>'),
  OTEL_RESOURCE_ATTRIBUTES: z
    .string()
    .default('')
    .describe('key=value, comma-separated, of every span of this process'),
  OTEL_BSP_SCHEDULE_DELAY: z.coerce
    .number()
    .int()
    .min(0)
    .max(60_000)
    .default(1_000)
    .describe('how long a span waits for others, ms'),
  OTEL_BSP_MAX_QUEUE_SIZE: z.coerce
    .number()
    .int()
    .min(1)
    .max(65_536)
    .default(8_192)
    .describe(
      'spans that wait while the collector is slow or away, about 600 bytes each; more are dropped and counted',
    ),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: z.coerce
    .number()
    .int()
    .min(1)
    .max(8_192)
    .default(512)
    .describe('spans of one request to the collector'),
}

const schema = z.object(tracingEnvironment)
export type TracingEnvironment = z.infer<typeof schema>

/** Reads them from what a process was given. @throws ZodError */
export const readTracingEnvironment = (
  env: Readonly<Record<string, string | undefined>>,
): TracingEnvironment =>
  schema.parse(
    Object.fromEntries(Object.keys(tracingEnvironment).flatMap(key => (env[key] ? [[key, env[key]]] : []))),
  )

/** Where spans are sent; undefined: nowhere. */
export function tracesUrl(env: TracingEnvironment): string | undefined {
  if (env.OTEL_SDK_DISABLED === 'true' || env.OTEL_TRACES_EXPORTER === 'none') return undefined
  if (env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) return env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
  const base = env.OTEL_EXPORTER_OTLP_ENDPOINT
  return base && `${base.endsWith('/') ? base.slice(0, -1) : base}/v1/traces`
}

/** The part of all traces that is kept whatever happens in them, 0 to 1. */
export function ratioOf(env: TracingEnvironment): number {
  switch (env.OTEL_TRACES_SAMPLER) {
    case 'always_on':
    case 'parentbased_always_on':
      return 1
    case 'always_off':
    case 'parentbased_always_off':
      return 0
    case 'traceidratio':
    case 'parentbased_traceidratio':
      return env.OTEL_TRACES_SAMPLER_ARG
    default:
      return env.OTEL_TRACES_SAMPLER satisfies never
  }
}

/** `key=value,key=value`, values percent-encoded; what is malformed is left out. */
export function resourceAttributes(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(',').flatMap(pair => {
      const at = pair.indexOf('=')
      const key = pair.slice(0, at).trim()
      return at < 1 || key === '' ? [] : [[key, decoded(pair.slice(at + 1).trim())]]
    }),
  )
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
