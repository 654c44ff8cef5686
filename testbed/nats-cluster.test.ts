import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { expect, test } from 'vitest'
import { startNatsCluster } from './nats-cluster.ts'
import { until } from './until.ts'

/** A leader is missed for 4 s, and the election may take a second turn. */
const electionMs = 30_000

test('a server cut off from the other two takes nothing, they go on, and it catches up when it is back', {
  timeout: 240_000,
}, async () => {
  await using cluster = await startNatsCluster(3)
  await using connections = new AsyncDisposableStack()
  const managers = await Promise.all(
    cluster.urls.map(async url => {
      const connection = await connect({ servers: url })
      connections.defer(() => connection.close())
      expect(connection.info?.connect_urls, 'addresses that pass the proxies by').toBeUndefined()
      return await jetstreamManager(connection, { checkAPI: false })
    }),
  )
  const stream = { name: 'KEPT', subjects: ['kept'], num_replicas: 3 }
  const created = await until(() => managers[0]!.streams.add(stream), {
    deadlineMs: electionMs,
    what: 'the cluster',
  })
  expect(created.config.num_replicas).toBe(3)
  // A group that is new may still choose.
  const leader = leaderOf(
    await until(() => leaderAt(managers[0]!), { deadlineMs: electionMs, what: 'the first leader' }),
  )
  const other = managers[(leader + 1) % 3]!

  for (const proxy of cluster.routes[leader]!) proxy.cut()
  await until(async () => leaderOf(await leaderAt(other)) !== leader, {
    deadlineMs: electionMs,
    what: 'another leader',
  })
  await until(() => publishAt(other), { deadlineMs: electionMs, what: 'a message at the two' })
  await expect(publishAt(managers[leader]!)).rejects.toThrow()

  for (const proxy of cluster.routes[leader]!) proxy.heal()
  // Asked of the one that was cut off: until it hears of the new leader, it holds itself for the leader of what it has.
  await until(
    async () => {
      const { state, cluster: group } = await managers[leader]!.streams.info('KEPT')
      const behind = group?.replicas?.some(({ current, offline }) => !current || offline)
      return state.messages === 1 && !behind
    },
    { deadlineMs: electionMs, everyMs: 50, what: 'the message in three current replicas' },
  )
})

const leaderAt = async (manager: JetStreamManager) => (await manager.streams.info('KEPT')).cluster?.leader

/** `nats-3` → 2; -1: none. */
const leaderOf = (name: string | undefined) => Number(name?.slice('nats-'.length) ?? 0) - 1

const publishAt = (manager: JetStreamManager) =>
  manager.jetstream().publish('kept', 'payload', { timeout: 3_000, msgID: 'one' })
