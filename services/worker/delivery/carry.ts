import type { Outcome } from '@fairlead/webhook/outcome'
import type { Exchange } from '@fairlead/wire/exchange'
import { PublishError } from '@fairlead/wire/publish'
import { outboundSubject } from '@fairlead/wire/subjects'
import type { Destination } from '../directory.ts'
import type { Engine } from '../engine.ts'
import { ProcessorAwayError, ProcessorError } from '../processors/process.ts'
import { type CarriedReference, prepareHeaders } from './prepare.ts'
import type { StoredEvent } from './stored-event.ts'

/** What is known of an attempt, and who is told of it, beside what is delivered. */
export interface Carriage {
  /** Sent along where the destination wants it. */
  readonly traceparent?: string
  /** Is told what an address was sent and answered. */
  exchanged?(exchange: Exchange): void
}

/** No attempt was made: what a built-in processor needs is away. */
export interface Untried {
  readonly kind: 'untried'
  readonly reason: string
}

/**
 * Carries one delivery to its destination, whatever kind that is, and says how it ended. Rejects only when the signal
 * aborts: such an attempt has no outcome.
 */
export async function carry(
  event: StoredEvent,
  reference: CarriedReference,
  destination: Destination,
  engine: Engine,
  signal: AbortSignal,
  carriage: Carriage = {},
): Promise<Outcome | Untried> {
  switch (destination.config.kind) {
    case 'http':
      return post(event, reference, destination, engine, signal, carriage)
    case 'nats':
      return publish(event, reference, destination, engine, carriage)
    case 'processor':
      return process(event, destination, engine, signal)
    default:
      return destination.config.kind satisfies never
  }
}

async function post(
  event: StoredEvent,
  reference: CarriedReference,
  destination: Destination,
  engine: Engine,
  signal: AbortSignal,
  carriage: Carriage,
): Promise<Outcome> {
  const { organization, config, auth } = destination
  const caller = { owner: organization.id, nowMs: engine.now(), signal }
  const asked = engine.authorizer.authorize(auth, caller)
  const authorization = asked instanceof Promise ? await asked : asked
  if (authorization.kind === 'failed') {
    const { reason, retryAfterMs } = authorization
    return { kind: 'authorization_failed', reason, ...(retryAfterMs !== undefined && { retryAfterMs }) }
  }
  const outcome = await engine.sender.send(
    {
      url: config.url,
      headers: headersOf(event, reference, destination, engine, carriage, authorization.headers),
      body: event.body,
      timeoutMs: config.timeoutSeconds * 1000,
      owner: organization.id,
      tls: authorization.tls,
      secretHeaders: destination.forward(event.meta).secretHeaders,
      // A test of a destination also tries whether its host can be reached: on a new connection.
      ...(reference.trigger === 'test' && { fresh: true }),
      ...(carriage.exchanged && { exchanged: carriage.exchanged }),
    },
    signal,
  )
  if (outcome.status === 401) engine.authorizer.refused(auth, organization.id)
  return outcome
}

/** To the stream OUTBOUND: delivered when it is stored there. */
async function publish(
  event: StoredEvent,
  reference: CarriedReference,
  destination: Destination,
  engine: Engine,
  carriage: Carriage,
): Promise<Outcome> {
  const list = headersOf(event, reference, destination, engine, carriage, [])
  const headers: Record<string, string> = {}
  for (let i = 0; i + 1 < list.length; i += 2) {
    if (/^[!-9;-~]+$/.test(list[i]!)) headers[list[i]!] = list[i + 1]!.replace(/[\r\n]+/g, ' ')
  }
  // The attempt's number is in the message id: a retry is stored again, a repeat after a crash is not.
  headers['Nats-Msg-Id'] = `${reference.delivery}.${reference.attempt}`
  try {
    const subject = outboundSubject(destination.organization.slug, destination.config.name)
    await engine.publisher.publish(subject, event.body, headers)
    return { kind: 'delivered', status: 200 }
  } catch (error) {
    if (!(error instanceof PublishError)) throw error
    return { kind: 'publish_failed', reason: error.message }
  }
}

async function process(
  event: StoredEvent,
  { organization, config }: Destination,
  engine: Engine,
  signal: AbortSignal,
): Promise<Outcome | Untried> {
  const processor = engine.processors.get(config.processor)
  if (!processor) return { kind: 'processor_failed', reason: `there is no processor "${config.processor}"` }
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(config.timeoutSeconds * 1000)])
  try {
    const { meta, body } = event
    await processor.process(
      {
        meta,
        body,
        organization: organization.slug,
        destination: config.name,
        hydrationKey: organization.hydrationKey(meta.source),
      },
      deadline,
    )
    return { kind: 'delivered', status: 200 }
  } catch (error) {
    if (signal.aborted) throw error
    if (error instanceof ProcessorAwayError) return { kind: 'untried', reason: error.message }
    if (deadline.aborted) return { kind: 'response_timeout', reason: 'the processor took too long' }
    if (!(error instanceof ProcessorError)) engine.log.error({ err: error }, 'worker.failed')
    return {
      kind: 'processor_failed',
      reason: error instanceof ProcessorError ? error.message : 'a fault of ours',
    }
  }
}

function headersOf(
  event: StoredEvent,
  reference: CarriedReference,
  { organization, extraHeaders, forward, tellsTrace }: Destination,
  engine: Engine,
  { traceparent }: Carriage,
  authorization: readonly string[],
): string[] {
  return prepareHeaders(event.meta, event.body, reference, {
    organization: organization.slug,
    keys: organization.keys,
    extraHeaders: authorization.length > 0 ? [...extraHeaders, ...authorization] : extraHeaders,
    forward: forward(event.meta),
    traceparent: tellsTrace ? traceparent : undefined,
    nowMs: engine.now(),
  })
}
