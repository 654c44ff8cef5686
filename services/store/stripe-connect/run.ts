import { setTimeout as delay } from 'node:timers/promises'
import { fromUuid, type OrganizationId } from '@fairlead/webhook/id'
import { decodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { type PulledMessage, pull } from '@fairlead/wire/pull'
import { eventSubject, promotedSubject } from '@fairlead/wire/subjects'
import { openTrouble } from '@fairlead/wire/trouble'
import { WireError } from '@fairlead/wire/wire-error'
import { AckPolicy, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { inScope } from '../scope.ts'
import { type RouteTools, routeEvent } from './route.ts'

/** The platform's source of Connect events, by names. */
export interface ConnectSource {
  readonly organization: string
  readonly source: string
}

/** One name for good: the store's user at NATS may acknowledge for this consumer, and wildcards there stand for whole tokens alone. */
const durableName = 'stripe-connect'

/** How often a store looks for the organization while it isn't there, ms, and then whether it is still the same one. */
const absentMs = 2_000
const lookMs = 60_000
/** A message that isn't acknowledged comes again after that. */
const ackWaitMs = 30_000
/** Messages on their way at one time: each takes a transaction. */
const atOnce = 8
const maxHeldBytes = 32 * 1024 ** 2
/** After a failure, ms. */
const againMs = 2_000
/** A consumer that no store asks any more goes by itself. */
const forgottenMs = 7 * 86_400_000

/**
 * Routes the events of the platform's Connect source until the signal aborts. The receiver has answered 2xx when they were in EVENTS;
 * a durable consumer hands each to one of the stores, again until its transaction is committed.
 */
export async function routeConnectEvents(
  tools: RouteTools,
  from: ConnectSource,
  signal: AbortSignal,
): Promise<void> {
  const { log } = tools
  while (!signal.aborted) {
    const organization = await findOrganization(tools, from).catch((err: unknown) => {
      log.warn({ err }, 'connect.unread')
      return undefined
    })
    if (organization) await routeOf(tools, organization, from, signal)
    else await delay(absentMs, undefined, { signal }).catch(() => {})
  }
}

/** Only an organization of the platform's own has that name: nobody may register it. */
async function findOrganization(
  { pool }: RouteTools,
  { organization }: ConnectSource,
): Promise<OrganizationId | undefined> {
  const { rows } = await inScope(pool, 'platform', db =>
    db.query<{ id: string }>('select id from organizations where slug = $1 and deleted_at is null', [
      organization,
    ]),
  )
  return rows[0] && fromUuid('org', rows[0].id)
}

/** Routes events of one organization's source for as long as the slug is that organization's. */
async function routeOf(
  tools: RouteTools,
  organization: OrganizationId,
  from: ConnectSource,
  signal: AbortSignal,
): Promise<void> {
  const { nats, log } = tools
  const changed = new AbortController()
  const watching = setInterval(() => {
    void findOrganization(tools, from).then(
      found => found !== organization && changed.abort(),
      () => {},
    )
  }, lookMs)
  const subjects = [eventSubject(organization, from.source), promotedSubject(organization, from.source)]
  try {
    const manager = await jetstreamManager(nats)
    if (!(await forgetOtherSource(tools, manager, subjects, signal))) return
    await pull(
      nats,
      manager,
      {
        stream: 'EVENTS',
        consumer: {
          durable_name: durableName,
          filter_subjects: subjects,
          ack_policy: AckPolicy.Explicit,
          ack_wait: ackWaitMs * 1e6,
          max_ack_pending: 64,
          inactive_threshold: forgottenMs * 1e6,
        },
        batch: atOnce,
        maxHeldBytes,
        maxBytes: maxHeldBytes,
        trouble: openTrouble(err => log.warn({ err }, 'connect.unread')),
      },
      message => take(tools, message),
      AbortSignal.any([signal, changed.signal]),
    )
  } finally {
    clearInterval(watching)
  }
}

/**
 * Removes the consumer where it reads another source: the next one begins with the oldest event of this one, since what is handed over
 * twice is one event. A changed filter would begin where the other source was read to. Does not reject.
 *
 * @returns false if it could not be looked at; then it is tried again after a pause
 */
async function forgetOtherSource(
  { log }: RouteTools,
  { consumers }: JetStreamManager,
  subjects: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const { config } = await consumers.info('EVENTS', durableName)
    const read = config.filter_subjects ?? []
    if (read.length === subjects.length && subjects.every(subject => read.includes(subject))) return true
    await consumers.delete('EVENTS', durableName)
    log.info({ read, subjects }, 'connect.source_changed')
    return true
  } catch (err) {
    if (err instanceof Error && 'code' in err && err.code === consumerNotFound) return true
    log.warn({ err }, 'connect.unread')
    await delay(againMs, undefined, { signal }).catch(() => {})
    return false
  }
}

/** https://github.com/nats-io/nats-server/blob/main/server/errors.json */
const consumerNotFound = 10014

/** Does not reject. */
async function take(tools: RouteTools, message: PulledMessage): Promise<void> {
  try {
    const { receivedAt } = decodeEventMeta(message.header(eventHeader))
    const routed = await routeEvent(tools, { body: message.data, receivedAt: new Date(receivedAt) })
    message.ack()
    tools.log.debug({ seq: message.seq, routed }, 'connect.routed')
  } catch (err) {
    tools.log.warn({ err, seq: message.seq }, 'connect.unrouted')
    // What can't be read never can.
    if (err instanceof WireError) message.term(err.code)
    else message.nak(againMs)
  }
}
