import type { OrganizationId } from '@fairlead/webhook/id'
import type { Outcome } from '@fairlead/webhook/outcome'
import {
  type DestinationTest,
  type DestinationTestAnswer,
  decodeDestinationTest,
  destinationTestMs,
  destinationTestQueue,
  destinationTestSubject,
  testProvider,
  testType,
} from '@fairlead/wire/destination-test'
import type { Exchange } from '@fairlead/wire/exchange'
import type { Msg } from '@nats-io/transport-node'
import type { Destination } from '../directory.ts'
import type { Engine } from '../engine.ts'
import { carry } from './carry.ts'
import type { StoredEvent } from './stored-event.ts'

/** Tests at one time, of all organizations and of one: each holds a connection for up to ten seconds. */
const mostTests = 8
const mostTestsOfOne = 2
/** How long a test waits for the configuration that it is meant for, ms. */
const configPatienceMs = 2_000

/**
 * Takes tests of destinations (`packages/wire/destination-test.ts`) until it is disposed: sends a sample event as every
 * delivery is sent, signed, with the guard of every address, and answers with the exchange. Lanes, breakers, the log and all
 * counts are left alone.
 */
export function openDestinationTests(engine: Engine): AsyncDisposable {
  const stopping = new AbortController()
  const underWay = new Map<Promise<void>, OrganizationId>()

  function take(message: Msg): void {
    let asked: DestinationTest
    try {
      asked = decodeDestinationTest(message.data)
    } catch (err) {
      engine.log.error({ err }, 'message.unreadable')
      return
    }
    const ofOne = [...underWay.values()].filter(id => id === asked.organization).length
    if (underWay.size >= mostTests || ofOne >= mostTestsOfOne) {
      answer(message, { kind: 'busy' })
      return
    }
    const work = run(engine, asked, stopping.signal)
      .then(result => answer(message, result))
      .catch((err: unknown) => {
        if (!stopping.signal.aborted) engine.log.error({ err }, 'worker.failed')
      })
      .finally(() => underWay.delete(work))
    underWay.set(work, asked.organization)
  }

  const subscription = engine.nats.subscribe(destinationTestSubject, {
    queue: destinationTestQueue,
    callback: (err, message) => {
      if (err) engine.log.error({ err }, 'worker.failed')
      else take(message)
    },
  })
  return {
    async [Symbol.asyncDispose]() {
      subscription.unsubscribe()
      stopping.abort(new Error('the worker stops'))
      await Promise.all(underWay.keys())
    },
  }
}

function answer(message: Msg, result: DestinationTestAnswer): void {
  message.respond(JSON.stringify(result))
}

/** Rejects when the signal aborts. */
async function run(
  engine: Engine,
  asked: DestinationTest,
  stopped: AbortSignal,
): Promise<DestinationTestAnswer> {
  const known = await engine.directory.atRevision(asked.organization, asked.revision, configPatienceMs)
  const destination = known?.destinations.get(asked.destination)
  if (!destination) return { kind: 'absent' }
  const nowMs = engine.now()
  const timeout = AbortSignal.timeout(destinationTestMs)
  let exchange: Exchange | undefined
  const outcome = await carry(
    eventOf(asked, nowMs),
    { delivery: asked.delivery, attempt: 1, trigger: 'test' },
    bounded(destination),
    engine,
    AbortSignal.any([stopped, timeout]),
    {
      exchanged(found) {
        exchange = found
      },
    },
  ).catch((error: unknown): Outcome => {
    if (stopped.aborted || !timeout.aborted) throw error
    return { kind: 'response_timeout', reason: `no complete answer within ${destinationTestMs} ms` }
  })
  // Processors, which alone may be away, are not tested: they have no address.
  if (outcome.kind === 'untried') return { kind: 'absent' }
  const reason = 'reason' in outcome ? outcome.reason : undefined
  return {
    kind: 'sent',
    outcome: outcome.kind,
    ...(outcome.status !== undefined && { status: outcome.status }),
    ...(reason !== undefined && { reason }),
    durationMs: engine.now() - nowMs,
    ...(exchange && { exchange }),
  }
}

/** Whoever asked waits for it. */
function bounded(destination: Destination): Destination {
  const timeoutSeconds = Math.min(destination.config.timeoutSeconds, destinationTestMs / 1000)
  return { ...destination, config: { ...destination.config, timeoutSeconds } }
}

function eventOf(asked: DestinationTest, nowMs: number): StoredEvent {
  const body = Buffer.from(asked.body)
  return {
    meta: {
      id: asked.event,
      organization: asked.organization,
      source: asked.source,
      sourceId: asked.sourceId,
      provider: testProvider,
      revision: asked.revision,
      type: testType,
      receivedAt: nowMs,
      method: 'POST',
      url: '/',
      headers: ['content-type', 'application/json'],
      size: body.length,
    },
    body,
    // It is in no stream: nothing ever reads it back.
    stored: { stream: 'EVENTS', seq: 1 },
  }
}
