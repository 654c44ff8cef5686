import { failures } from '@fairlead/webhook/outcome'
import type { Exchange, LoggedAttempt } from '@fairlead/wire/store/attempt'
import { z } from 'zod'
import { presentHeaders } from './content.ts'
import { attemptSchema, presentAttempt } from './delivery.ts'
import { destinationParams, findDestinationId } from './destinations.ts'
import { modeSchema, presentMode } from './mode.ts'
import { type Call, operation } from './operation.ts'
import { ApiError } from './problem.ts'
import {
  attemptParams,
  cursor,
  defaultPageSize,
  eventId,
  limit,
  noQuery,
  organizationParams,
  pageOf,
  plainText,
  since,
} from './query.ts'
import { presentSearched, searchedSchema } from './searched.ts'
import { presentTimeOf, timeText } from './time.ts'

const loggedAttemptSchema = z
  .object({
    ...attemptSchema.shape,
    deliveryId: z.string().meta({ example: 'dlv_01jd3k5t9vexqa7w2m8zr4c6hs' }),
    eventId: z.string().meta({ example: 'evt_01jd3k5t9vexqa7w2m8zr4c6hs' }),
    destination: z.string().meta({ description: "The destination's name.", example: 'billing' }),
    destinationId: z.string(),
    source: z.string(),
    type: z.string(),
    receivedAt: timeText.meta({ description: 'When its event was received.' }),
    mode: modeSchema,
    last: z.boolean().meta({ description: 'True: the delivery died with it.' }),
  })
  .meta({ id: 'LoggedAttempt', description: 'One try of a delivery, with what it was a try of.' })

const phase = (description: string) => z.number().nullable().meta({ description, example: 12.3 })

export const exchangeSchema = z
  .object({
    address: z
      .string()
      .nullable()
      .meta({ description: 'Address and port that were dialled.', example: '203.0.113.7:443' }),
    reusedConnection: z.boolean().meta({
      description: 'The connection had carried a request before: nothing was dialled for this one.',
    }),
    phasesMs: z
      .object({
        dns: phase('Until the name resolved.'),
        connect: phase('TCP.'),
        tls: phase('TLS.'),
        wait: phase('From the end of the request to the first byte of the answer.'),
        download: phase('From there to the last byte that was read.'),
      })
      .meta({ description: 'Milliseconds. Null: that phase did not end, or there was none.' }),
    request: z.object({
      line: z.string().meta({ example: 'POST /hooks HTTP/1.1' }),
      headers: z.record(z.string(), z.string()),
    }),
    response: z
      .object({
        line: z.string().meta({ example: 'HTTP/1.1 500 Internal Server Error' }),
        headers: z.record(z.string(), z.string()),
        body: z.string().nullable().meta({ description: 'Its first 1,024 bytes; null: they are no text.' }),
      })
      .nullable()
      .meta({ description: 'Null: there was no answer.' }),
    cut: z.boolean().meta({ description: 'There was more of a head, or of the body, than is kept.' }),
  })
  .meta({
    id: 'Exchange',
    description:
      'What went over the wire. Values of secret headers (the settings of the destination, its credentials, tokens and cookies) are `[redacted]`, also where the answer repeats them, and so is the query of the URL. The request’s body is that of the event.',
  })

const filters = {
  event: eventId.optional().meta({ description: "An event's id." }),
  result: z
    .enum(['failed'])
    .optional()
    .meta({ description: '`failed`: only those that were not answered 2xx.' }),
  outcome: z
    .enum(['delivered', ...Object.keys(failures)])
    .optional()
    .meta({ description: 'How it ended.', example: 'connect_timeout' }),
  status: z
    .string()
    .regex(/^[1-9]\d\d$/, 'a status from 100 to 999')
    .transform(Number)
    .optional()
    .meta({ description: 'HTTP status.', example: '500' }),
  after: since.optional().meta({ description: 'Begun at this time or later.' }),
  before: since.optional().meta({ description: 'Begun before this time.' }),
  cursor,
  limit,
}
const filtersQuery = z.strictObject(filters)

const listed = {
  method: 'get',
  tag: 'Deliveries',
  access: 'read',
  status: 200,
  answerDescription: 'A page of attempts.',
  answer: pageOf(loggedAttemptSchema).extend({ searched: searchedSchema }).meta({ id: 'AttemptPage' }),
  problems: ['cursor_invalid'],
} as const

const list = operation({
  ...listed,
  path: '/api/v1/organizations/{slug}/attempts',
  name: 'listAttempts',
  summary: 'Attempts, newest first',
  params: organizationParams,
  query: z.strictObject({
    destination: plainText(63).optional().meta({ description: "A destination's name or id." }),
    ...filters,
  }),
  handle: call => page(call, call.query.destination),
})

/** Of one destination of the key's organization. */
const listOwn = operation({
  ...listed,
  path: '/api/v1/webhooks/{destination}/deliveries',
  name: 'listOwnWebhookDeliveries',
  summary: 'Deliveries to one of the organization’s endpoints: each attempt, newest first',
  description: 'Of the organization that the key belongs to.',
  ofOwnOrganization: true,
  params: destinationParams.pick({ destination: true }),
  query: filtersQuery,
  async handle(call) {
    const { store, organization, params, signal } = call
    const { destinations } = await store.destinations.listDestinations(
      { organizationId: organization.id },
      { signal },
    )
    const found = destinations.find(({ id, name }) => [id, name].includes(params.destination))
    // It stands in the path: an id that nobody has is no empty list.
    if (!found) throw new ApiError('not_found')
    return await page(call, found.id)
  },
})

async function page(
  { store, organization, query, signal }: Call<unknown, z.output<typeof filtersQuery>>,
  destination: string | undefined,
) {
  const destinationId = destination
    ? await findDestinationId(store, organization.id, destination, signal)
    : ''
  const { attempts, next, searched } = await store.attempts.listAttempts(
    {
      organizationId: organization.id,
      destinationId,
      eventId: query.event ?? '',
      failed: query.result === 'failed',
      outcome: query.outcome ?? '',
      status: query.status ?? 0,
      ...(query.after && { after: query.after }),
      ...(query.before && { before: query.before }),
      cursor: query.cursor ?? '',
      limit: query.limit ?? defaultPageSize,
    },
    { signal },
  )
  return {
    items: attempts.map(presentLogged),
    next: next || null,
    searched: presentSearched(searched),
  }
}

const get = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/attempts/{attempt}',
  name: 'getAttempt',
  tag: 'Deliveries',
  summary: 'One attempt, with what was sent and answered',
  access: 'read',
  params: attemptParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The attempt.',
  answer: loggedAttemptSchema
    .extend({
      exchange: exchangeSchema.nullable().meta({
        description: 'Null: it is no longer kept (7 days), or nothing was sent to an address.',
      }),
    })
    .meta({ id: 'AttemptDetail' }),
  problems: [],
  async handle({ store, organization, params, signal }) {
    const [, delivery, number] = /^att_(.+)-(\d+)$/.exec(params.attempt) ?? []
    const { attempt, exchange } = await store.attempts.getAttempt(
      { organizationId: organization.id, deliveryId: `dlv_${delivery}`, number: Number(number) },
      { signal },
    )
    if (!attempt) throw new ApiError('not_found')
    return { ...presentLogged(attempt), exchange: exchange ? presentExchange(exchange) : null }
  },
})

export const attemptOperations = [list, get, listOwn]

function presentLogged(logged: LoggedAttempt): z.input<typeof loggedAttemptSchema> {
  if (!logged.attempt) throw new TypeError('the store answered without the attempt')
  return {
    ...presentAttempt(logged.eventId, logged.deliveryId, logged.attempt),
    deliveryId: logged.deliveryId,
    eventId: logged.eventId,
    destination: logged.destination,
    destinationId: logged.destinationId,
    source: logged.source,
    type: logged.type,
    receivedAt: presentTimeOf(logged.receivedAt),
    mode: presentMode(logged.mode),
    last: logged.dead,
  }
}

export function presentExchange(exchange: Exchange): z.input<typeof exchangeSchema> {
  const { dnsMs, connectMs, tlsMs, waitMs, downloadMs } = exchange
  return {
    address: exchange.address || null,
    reusedConnection: exchange.reused,
    phasesMs: {
      dns: dnsMs ?? null,
      connect: connectMs ?? null,
      tls: tlsMs ?? null,
      wait: waitMs ?? null,
      download: downloadMs ?? null,
    },
    request: { line: exchange.requestLine, headers: presentHeaders(exchange.requestHeaders) },
    response: exchange.statusLine
      ? {
          line: exchange.statusLine,
          headers: presentHeaders(exchange.responseHeaders),
          body: exchange.body ?? null,
        }
      : null,
    cut: exchange.cut,
  }
}
