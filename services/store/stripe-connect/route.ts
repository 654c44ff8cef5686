import type { Log } from '@fairlead/daemon/log'
import { eventId, fromUuid, type OrganizationId } from '@fairlead/webhook/id'
import { eventSubject } from '@fairlead/wire/subjects'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Pool } from 'pg'
import { writeAudits } from '../audit.ts'
import { sourceIdOf } from '../notifications/publish.ts'
import { quotaExceeded, readOverviews } from '../organizations/read.ts'
import type { ConfigPublisher } from '../publish/publish.ts'
import { publishEvent } from '../publish/publish-event.ts'
import { type Db, inScope } from '../scope.ts'
import { type AccountRow, disconnectAccount, findConnected, lockAccount } from './accounts.ts'
import { forgetHeld, heldOfConnected, holdEvent, oldestHeld } from './hold.ts'
import { type ConnectEvent, endsConnection, readConnectEvent } from './read-event.ts'

/**
 * An event of the platform's Connect source on its way to the organization that has connected its account:
 *
 *   verified bytes ─▶ account ─ connected ─▶ event of the organization's source `_stripe`
 *                             ─ nobody's, or its organization takes none ─▶ held
 *
 * The account is locked on the way. What is published is safe to repeat: its id follows from organization and Stripe's own id.
 */

/** What events of connected accounts have as their source in the organization: a name that no source of a tenant can have. */
const connectedSource = '_stripe'

export interface RouteTools {
  readonly pool: Pool
  readonly nats: NatsConnection
  readonly publisher: Pick<ConfigPublisher, 'revisionOf'>
  readonly now: () => number
  readonly log: Log
}

type Routed = 'handed_over' | 'held' | 'ignored'

type OfAccount = Extract<ConnectEvent, { kind: 'of_account' }>

/** Rejects where Postgres or NATS is away: the same event is routed again later. */
export async function routeEvent(
  tools: RouteTools,
  { body, receivedAt }: { readonly body: Uint8Array; readonly receivedAt: Date },
): Promise<Routed> {
  const event = readConnectEvent(body)
  if (event.kind === 'of_nobody') return 'ignored'
  const { account, id } = event
  return await inScope(tools.pool, 'platform', async db => {
    await lockAccount(db, account)
    const taker = await takerOf(db, account)
    if (!taker) {
      const dropped = await holdEvent(db, { account, id, body, receivedAt })
      if (dropped > 0) tools.log.warn({ account, dropped }, 'connect.held_dropped')
      return 'held'
    }
    await handOver(tools, db, taker, { event, body, receivedAt })
    return 'handed_over'
  })
}

/** Events of one transaction. */
const page = 100

/** Hands over what is held of an account, the oldest first. @returns how many events that were */
export async function handOverHeld(tools: RouteTools, account: string): Promise<number> {
  let count = 0
  for (;;) {
    const taken = await inScope(tools.pool, 'platform', async db => {
      await lockAccount(db, account)
      let taker = await takerOf(db, account)
      const done: string[] = []
      for (const held of taker ? await oldestHeld(db, account, page) : []) {
        if (!taker) break
        const event = readConnectEvent(held.body)
        if (event.kind === 'of_account') await handOver(tools, db, taker, { ...held, event })
        done.push(held.id)
        // A deauthorization among them ends the connection.
        if (event.kind === 'of_account' && event.isDeauthorization) taker = await takerOf(db, account)
      }
      await forgetHeld(db, account, done)
      return done.length
    })
    count += taken
    if (taken < page) return count
  }
}

/** Hands over what an organization did not take before (its quota was used up, say), and what a connection left. */
export async function handOverAll(tools: RouteTools): Promise<void> {
  for (const account of await inScope(tools.pool, 'platform', heldOfConnected)) {
    await handOverHeld(tools, account)
  }
}

/** The organization that takes an account's events now; undefined: none does. */
async function takerOf(db: Db, account: string): Promise<AccountRow | undefined> {
  const row = await findConnected(db, account)
  if (!row) return undefined
  const [organization] = await readOverviews(db, 'o.id = $1', [row.organization_id])
  const takes =
    organization && !organization.deleted_at && organization.active && !quotaExceeded(organization)
  return takes ? row : undefined
}

interface Verified {
  readonly event: OfAccount
  readonly body: Uint8Array
  readonly receivedAt: Date
}

async function handOver(
  { nats, publisher, now }: RouteTools,
  db: Db,
  taker: AccountRow,
  { event, body, receivedAt }: Verified,
): Promise<void> {
  const organization: OrganizationId = fromUuid('org', taker.organization_id)
  const meta = {
    id: eventId(organization, connectedSource, { id: event.id }),
    organization,
    source: connectedSource,
    sourceId: sourceIdOf(organization, connectedSource),
    provider: 'stripe',
    revision: await publisher.revisionOf(organization),
    type: event.type,
    receivedAt: receivedAt.getTime(),
    method: 'POST',
    url: '/',
    // Those of the request are the platform's: its signature, its proxies.
    headers: ['content-type', 'application/json'],
    size: body.length,
    ...(event.mode === 'test' && { mode: event.mode }),
  }
  await publishEvent(nats, eventSubject(organization, connectedSource), meta, body)
  if (!event.isDeauthorization || !endsConnection(event.createdSeconds, taker.connected_at)) return
  const at = new Date(now())
  await disconnectAccount(db, { organization, account: event.account }, at)
  await writeAudits(
    db,
    [
      {
        action: 'connected_account.disconnected',
        organization: taker.organization_id,
        subjectId: event.account,
        details: { by: 'stripe', event: event.id },
      },
    ],
    at.getTime(),
  )
}
