import { openLog } from '@fairlead/daemon/log'
import { startTestNats } from '@fairlead/testbed/nats'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { until } from '@fairlead/testbed/until'
import { deliveryId, eventId, fromUuid, newId, toUuid } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { decodeDelivery } from '@fairlead/wire/delivery'
import { openPublisher } from '@fairlead/wire/publish'
import { defaultStreamLimits, ensureStreams, streamName } from '@fairlead/wire/streams'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { Client, Pool } from 'pg'
import { Counter } from 'prom-client'
import { expect, test } from 'vitest'
import { inScope } from '../scope.ts'
import { handOver, readHand } from './hand-over.ts'
import { readKept } from './kept.ts'
import { planPage } from './plan.ts'
import type { ReplayRow } from './rows.ts'
import { runReplays } from './run.ts'

/** A Replay of 20 delivered events, with no runner yet. */
async function open() {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startTestNats())
  const database = stack.use(await createTestDatabase())
  const nats = await connectNats({ url: server.url, name: 'test' })
  stack.defer(() => nats.close())
  const manager = await jetstreamManager(nats)
  await ensureStreams(manager, defaultStreamLimits)
  const pool = new Pool({ connectionString: database.url })
  stack.defer(() => pool.end())
  const admin = new Client({ connectionString: database.adminUrl })
  await admin.connect()
  stack.defer(() => admin.end())
  const replay = await writeReplay(admin, await manager.streams.info(streamName.events))
  const publisher = stack.use(openPublisher(nats))
  const stopping = new AbortController()
  const held = stack.move()
  return {
    manager,
    publisher,
    admin,
    async read(): Promise<ReplayRow> {
      const { rows } = await admin.query<ReplayRow>('select * from replays where id = $1', [replay.id])
      return rows[0]!
    },
    /** As far as a process came that was killed before it handed the page over. */
    async plan(size: number): Promise<void> {
      const kept = await readKept(nats)
      await inScope(pool, 'platform', async db => planPage(db, await this.read(), kept, size, new Date()))
    },
    /** Runs Replays until this one stands as is waited for. */
    async run(isDone: (row: ReplayRow) => boolean = row => row.state === 'completed'): Promise<void> {
      const metrics = { published: new Counter({ name: 'published', help: 'for a test', registers: [] }) }
      const log = openLog({ service: 'store', level: 'error' })
      const running = runReplays({ databaseUrl: database.url, nats, log, metrics }, stopping.signal)
      await until(async () => isDone(await this.read()), {
        what: 'the end of the Replay',
      })
      stopping.abort()
      await running
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

async function writeReplay(admin: Client, info: { created: unknown }): Promise<{ id: string }> {
  const now = Date.parse(String(info.created)) + 1_000
  const organization = newId('org', now)
  const destination = newId('dst', now)
  const of = toUuid(organization)
  await admin.query(
    `insert into organizations (id, slug, display_name, plan, active, retention_days, owner_kind, owner_reference)
     values ($1, 'acme', 'Acme', 'free', true, 7, 'file', 'acme.yaml')`,
    [of],
  )
  await admin.query(
    `insert into destinations (organization_id, id, name, url, timeout_seconds, concurrency, retry_delays_seconds,
       managed_by)
     values ($1, $2, 'billing', 'http://billing.example', 5, 5, '{}', 'owner')`,
    [of, toUuid(destination)],
  )
  await admin.query('call create_log_partitions($1)', [new Date(now)])
  for (let i = 0; i < 20; i++) {
    const event = eventId(organization, 'stripe', { id: `${i}` })
    const keys = [of, toUuid(event), new Date(now + i)]
    await admin.query(
      `insert into events (organization_id, id, received_at, source_id, source, provider, type, status, stream_seq,
         size_bytes, method, url, delivery_count, delivered_count)
       values ($1, $2, $3, $1, 'stripe', 'stripe', 'invoice.paid', 'success', $4, 2, 'POST', '/', 1, 1)`,
      [...keys, i + 1],
    )
    await admin.query(
      `insert into deliveries (organization_id, event_id, received_at, destination_id, id, state, attempt_count)
       values ($1, $2, $3, $4, $5, 'delivered', 3)`,
      [...keys, toUuid(destination), toUuid(deliveryId(event, destination))],
    )
  }
  const id = toUuid(newId('rpl', now))
  const selector = { sources: [], types: [], states: [], reasons: [], before: new Date(now + 60_000) }
  await admin.query(
    `insert into replays (organization_id, id, selector, rate_per_second, matched_events, matched, expired, created_by,
       created_at)
     values ($1, $2, $3, 1000, 20, 20, 0, 'a test', $4)`,
    [of, id, JSON.stringify(selector), new Date(now)],
  )
  return { id }
}

/** What is due in DELIVERIES: event and attempt. */
async function readDue(manager: JetStreamManager): Promise<string[]> {
  const { state } = await manager.streams.info(streamName.deliveries)
  const found: string[] = []
  for (let seq = 1; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage(streamName.deliveries, { seq })
    if (!message) continue
    const { event, attempt, trigger } = decodeDelivery(message.data)
    found.push(`${event} ${attempt} ${trigger}`)
  }
  return found
}

const writeBodies = async (opened: Awaited<ReturnType<typeof open>>) => {
  for (let i = 0; i < 20; i++) await opened.publisher.publish('events.0.any.stripe', '{}')
}

test.each([
  ['before anything was handed over', 0],
  ['with a part handed over', 4],
  ['with all of it handed over and not confirmed', 10],
])('a page left in hand %s is handed over once', async (_when, handed) => {
  await using opened = await open()
  await writeBodies(opened)
  await opened.plan(10)
  const left = await opened.read()
  expect(readHand(left)).toHaveLength(10)
  expect(left).toMatchObject({ state: 'running', published: '0' })
  await handOver(opened.publisher, readHand(left).slice(0, handed))
  await opened.run()
  const due = await readDue(opened.manager)
  expect(due).toHaveLength(20)
  expect(new Set(due).size).toBe(20)
  expect(due.every(line => line.endsWith(' 4 replay'))).toBe(true)
  expect(await opened.read()).toMatchObject({ published: '20', skipped: '0', in_hand: null })
})

test('of a page left in hand, what was attempted is not handed over again, however long ago that was', async () => {
  await using opened = await open()
  await writeBodies(opened)
  await opened.plan(10)
  const left = await opened.read()
  const [first] = readHand(left)
  // JetStream has forgotten its id; the log has its attempt.
  await opened.admin.query(
    `insert into attempts (organization_id, event_id, destination_id, number, received_at, at, duration_ms, delivered,
       outcome, trigger, replay_id)
     values ($1, $2, $3, 4, $4, $4, 1, true, 'delivered', 'replay', $5)`,
    [
      left.organization_id,
      toUuid(first!.event),
      toUuid(first!.destination),
      new Date(first!.receivedAt),
      left.id,
    ],
  )
  await opened.run()
  const due = await readDue(opened.manager)
  expect(due).toHaveLength(19)
  expect(due).not.toContain(`${first!.event} 4 replay`)
  expect(await opened.read()).toMatchObject({ published: '20' })
})

test('a page that was cancelled in hand still goes: its deliveries are said to wait', async () => {
  await using opened = await open()
  await writeBodies(opened)
  await opened.plan(10)
  const { id } = await opened.read()
  await opened.admin.query(`update replays set state = 'cancelled', ended_at = now() where id = $1`, [id])
  await opened.run(row => row.in_hand === null)
  expect(await opened.read()).toMatchObject({ state: 'cancelled', published: '10' })
  expect(await readDue(opened.manager)).toHaveLength(10)
})

test('a delivery that someone retried meanwhile is passed over', async () => {
  await using opened = await open()
  await writeBodies(opened)
  const { rows } = await opened.admin.query<{ event_id: string }>(
    `update deliveries set state = 'waiting' where id in (select id from deliveries limit 3) returning event_id`,
  )
  await opened.run()
  const due = await readDue(opened.manager)
  expect(due).toHaveLength(17)
  for (const row of rows) expect(due.join()).not.toContain(fromUuid('evt', row.event_id))
})
