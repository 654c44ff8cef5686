import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { openArrivals } from '@fairlead/testbed/load/arrivals'
import { until } from '@fairlead/testbed/until'
import { z } from 'zod'
import { startCounting } from './count-arrivals.ts'

/**
 * The destination of a load test that k6 drives, and what compares acceptances with arrivals.
 *
 *   node load-tests/sink.ts [--port 8090] [--destination-port 8091] [--settle-seconds 30]
 *
 * `POST /accepted` tells of an event that was accepted; `GET /report` answers, by flow, how many were lost and repeated, and how
 * long each took to arrive, once all have arrived or the time is over.
 */
export interface LoadSink extends AsyncDisposable {
  readonly url: string
  readonly destinationUrl: string
}

const acceptedSchema = z.object({ event: z.string(), flow: z.string(), sentAt: z.number() })

export async function startLoadSink(options: {
  readonly port: number
  readonly destinationPort: number
  readonly settleMs: number
}): Promise<LoadSink> {
  await using opened = new AsyncDisposableStack()
  const arrivals = opened.use(await openArrivals({ port: options.destinationPort }))
  const counting = startCounting(arrivals.events, performance.timeOrigin)
  const server = createServer(async (request, response) => {
    const answer = await handle(request).catch((error: Error) => ({
      status: 400,
      body: { error: error.message },
    }))
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
  })

  async function handle(
    request: IncomingMessage,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    switch (`${request.method} ${request.url}`) {
      case 'POST /accepted':
        counting.accepted(acceptedSchema.parse(JSON.parse(await text(request))))
        return { status: 200, body: {} }
      case 'GET /report':
        await until(counting.isWhole, { deadlineMs: options.settleMs, everyMs: 50 }).catch(() => {})
        return { status: 200, body: counting.report() }
      default:
        return { status: 404, body: { error: 'POST /accepted and GET /report are all there is' } }
    }
  }

  server.listen(options.port, '127.0.0.1')
  await once(server, 'listening')
  opened.defer(async () => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  const held = opened.move()
  return {
    url: `http://127.0.0.1:${address.port}`,
    destinationUrl: `http://127.0.0.1:${arrivals.port}`,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '8090' },
      'destination-port': { type: 'string', default: '8091' },
      'settle-seconds': { type: 'string', default: '30' },
    },
  })
  const sink = await startLoadSink({
    port: Number(values.port),
    destinationPort: Number(values['destination-port']),
    settleMs: 1000 * Number(values['settle-seconds']),
  })
  console.log(`SINK_URL=${sink.url}; destinations at ${sink.destinationUrl}`)
}
