import type { Log } from '@fairlead/daemon/log'
import { eventId, fromUuid, type OrganizationId } from '@fairlead/webhook/id'
import { eventSubject } from '@fairlead/wire/subjects'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Pool } from 'pg'
import { writeAudits } from '../audit.ts'
import { sourceIdOf } from '../notifications/publish.ts'
import { type OrganizationOverview, quotaExceeded, readOverviews } from '../organizations/read.ts'
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
    const connected = await findConnected(db, account)
    const taken = connected !== undefined && (await takes(db, connected))
    if (taken) await handOver(tools, connected, { event, body, receivedAt })
    else {
      const dropped = await holdEvent(db, { account, id, body, receivedAt })
      if (dropped > 0) tools.log.warn({ account, dropped }, 'connect.held_dropped')
    }
    // Also of an organization that takes no events now: the owner of the account has ended it.
    if (connected) await endIfDeauthorized(tools, db, connected, event)
    return taken ? 'handed_over' : 'held'
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
        done.push(held.id)
        if (event.kind === 'of_nobody') continue
        await handOver(tools, taker, { ...held, event })
        if (await endIfDeauthorized(tools, db, taker, event)) taker = undefined
      }
      await forgetHeld(db, account, done)
      return done.length
    })
    count += taken
    if (taken < page) return count
  }
}

/** Accounts that are looked for at one time. */
const accountsAtOnce = 100

/**
 * Hands over what an organization did not take before (its quota was used up, say), and what a connection left. Events of an account
 * that can't be handed over stay for the next round, and hold up no other account.
 */
export async function handOverAll(tools: RouteTools & { readonly signal: AbortSignal }): Promise<void> {
  let after: string | undefined = ''
  while (after !== undefined) {
    const last: string = after
    const found = await inScope(tools.pool, 'platform', db => nextHeld(db, last))
    for (const account of found.accounts) {
      if (tools.signal.aborted) return
      await handOverHeld(tools, account).catch((err: unknown) => {
        tools.log.warn({ err, account }, 'connect.still_held')
      })
    }
    after = found.next
  }
}

/** A page of accounts whose organizations take events now. */
async function nextHeld(
  db: Db,
  after: string,
): Promise<{ readonly accounts: string[]; readonly next: string | undefined }> {
  const rows = await heldOfConnected(db, after, accountsAtOnce)
  const ids = rows.map(row => row.organization_id)
  const taking = new Set(
    (await readOverviews(db, 'o.id = any($1::uuid[])', [ids])).filter(isTaking).map(o => o.id),
  )
  return {
    accounts: rows.filter(row => taking.has(row.organization_id)).map(row => row.account),
    next: rows.length === accountsAtOnce ? rows.at(-1)?.account : undefined,
  }
}

/** The organization that takes an account's events now; undefined: none does. */
async function takerOf(db: Db, account: string): Promise<AccountRow | undefined> {
  const row = await findConnected(db, account)
  return row && (await takes(db, row)) ? row : undefined
}

/** Whether the organization that has an account takes its events now. */
async function takes(db: Db, row: AccountRow): Promise<boolean> {
  return (await readOverviews(db, 'o.id = $1', [row.organization_id])).some(isTaking)
}

const isTaking = (organization: OrganizationOverview): boolean =>
  !organization.deleted_at && organization.active && !quotaExceeded(organization)

interface Verified {
  readonly event: OfAccount
  readonly body: Uint8Array
  readonly receivedAt: Date
}

async function handOver(
  { nats, publisher }: RouteTools,
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
}

/** @returns whether the event has ended the connection */
async function endIfDeauthorized(
  { now }: RouteTools,
  db: Db,
  connected: AccountRow,
  event: OfAccount,
): Promise<boolean> {
  if (!event.isDeauthorization || !endsConnection(event.createdSeconds, connected.connected_at)) return false
  const at = new Date(now())
  const organization: OrganizationId = fromUuid('org', connected.organization_id)
  await disconnectAccount(db, { organization, account: event.account }, at)
  await writeAudits(
    db,
    [
      {
        action: 'connected_account.disconnected',
        organization: connected.organization_id,
        subjectId: event.account,
        details: { by: 'stripe', event: event.id },
      },
    ],
    at.getTime(),
  )
  return true
}
