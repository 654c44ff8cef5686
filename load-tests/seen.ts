import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { openBuckets } from '@fairlead/receiver/seen/buckets'
import { connectRedis } from '@fairlead/receiver/seen/connect'
import { openSeen } from '@fairlead/receiver/seen/seen'
import { startTestRedis } from '@fairlead/testbed/redis'
import { until } from '@fairlead/testbed/until'
import { type EventId, eventId, newId } from '@fairlead/webhook/id'
import { readCpu } from './cpu.ts'
import { percentile } from './percentile.ts'

/**
 * The memory of accepted ids, on a Redis of its own:
 *
 *   node load-tests/seen.ts [--ids 1000000] [--callers 32] [--rate 500] [--seconds 10]
 *
 * First, as ids come in: bytes an id, and CPU µs of this process and of Redis for a check and for a write, with so many
 * callers asking at once. Every check is for an id that isn't known, the usual case and the dearest: four days are
 * searched. Then what a check takes at a steady rate while Redis is well, and while it hangs (SIGSTOP).
 */
const { values } = parseArgs({
  options: {
    ids: { type: 'string', default: '1000000' },
    callers: { type: 'string', default: '32' },
    rate: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '10' },
  },
})
const dayMs = 24 * 3_600_000
const organization = newId('org', 0)
const newIds = (count: number): EventId[] => {
  const run = randomBytes(6).toString('hex')
  return Array.from({ length: count }, (_, i) => eventId(organization, 'load', { id: `${run}-${i}` }))
}

await using server = await startTestRedis()
const clock = { nowMs: Date.now() }
const counted = { unchecked: 0, deferred: 0, forgotten: 0 }
const options = {
  url: server.url,
  generation: 'load',
  maxWaiting: 10_000_000,
  now: () => clock.nowMs,
  events: {
    checked() {},
    unchecked: (_reason: string, ids: number) => {
      counted.unchecked += ids
    },
    deferred: (ids: number) => {
      counted.deferred += ids
    },
    forgotten: (ids: number) => {
      counted.forgotten += ids
    },
  },
  changed() {},
}
const client = connectRedis(server.url)
await until(() => client.status === 'ready')
const usedBytes = async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])

/** CPU µs for each of `count`, here and in Redis, of whatever `work` does. */
async function cost(count: number, work: () => Promise<unknown>): Promise<string> {
  const roots = { here: process.pid, redis: server.pid }
  const before = readCpu(roots)
  await work()
  const after = readCpu(roots)
  const micros = (name: string) => (((after.get(name) ?? 0) - (before.get(name) ?? 0)) * 1e6) / count
  return `${micros('here').toFixed(1).padStart(5)} ${micros('redis').toFixed(1).padStart(6)}`
}

async function fill(): Promise<void> {
  await using seen = openSeen({ ...options, waitMs: 1_000 })
  await until(() => seen.up)
  const buckets = openBuckets(client, { generation: 'load' })
  const emptyBytes = await usedBytes()
  const callers = Number(values.callers)
  console.log('ids        bytes an id   check: CPU µs here, Redis   write: CPU µs here, Redis')
  let held = 0
  for (let target = 1_000; target <= Number(values.ids); target *= 2) {
    // The last so many are written and measured; three days before are the same size, unmeasured.
    const ids = newIds(target - held)
    const started = clock.nowMs
    const write = await cost(ids.length, async () => {
      for (const id of ids) seen.keep(id, started)
      await until(() => seen.waiting === 0, { deadlineMs: 600_000, everyMs: 5 })
    })
    held = target
    const bytes = ((await usedBytes()) - emptyBytes) / held
    const unknown = newIds(20_000)
    const check = await cost(unknown.length, () =>
      Promise.all(
        Array.from({ length: callers }, async (_, caller) => {
          for (let i = caller; i < unknown.length; i += callers) await seen.check(unknown[i]!)
        }),
      ),
    )
    console.log(
      `${`${held}`.padEnd(10)} ${bytes.toFixed(1).padStart(11)}   ${check.padStart(25)}   ${write.padStart(25)}`,
    )
  }
  for (const daysAgo of [1, 2, 3]) {
    const ids = newIds(held)
    const tick = Math.floor((clock.nowMs - daysAgo * dayMs) / 720_000)
    for (let i = 0; i < ids.length; i += 256) {
      await buckets.keep(ids.slice(i, i + 256).map(id => ({ id, tick })))
    }
  }
  const unknown = newIds(20_000)
  const check = await cost(unknown.length, () =>
    Promise.all(
      Array.from({ length: callers }, async (_, caller) => {
        for (let i = caller; i < unknown.length; i += callers) await seen.check(unknown[i]!)
      }),
    ),
  )
  console.log(
    `four days of ${held} each: ${(((await usedBytes()) - emptyBytes) / held / 4).toFixed(1)} bytes an id, check ${check}`,
  )
}

/** Checks at a steady rate, each with the default bound; how long each takes. */
async function atRate(name: string): Promise<void> {
  await using seen = openSeen(options)
  await until(() => seen.up)
  counted.unchecked = 0
  if (name === 'hanging') process.kill(server.pid, 'SIGSTOP')
  const waits: number[] = []
  try {
    const count = Number(values.rate) * Number(values.seconds)
    const ids = newIds(count)
    const startMs = performance.now()
    const pending = new Set<Promise<void>>()
    for (let i = 0; i < count; ) {
      const due = Math.min(
        count,
        Math.floor(((performance.now() - startMs) / 1000) * Number(values.rate)) + 1,
      )
      for (; i < due; i++) {
        const askedMs = performance.now()
        const answer = Promise.resolve(seen.check(ids[i]!)).then(() => {
          waits.push(performance.now() - askedMs)
          pending.delete(answer)
        })
        pending.add(answer)
      }
      await new Promise(resolve => setTimeout(resolve, 1))
    }
    await Promise.all(pending)
  } finally {
    if (name === 'hanging') process.kill(server.pid, 'SIGCONT')
  }
  const at = (p: number) => percentile(waits, p).toFixed(2)
  console.log(
    `${values.rate}/s, Redis ${name}: a check takes p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, at most ${at(1)} ms; ${counted.unchecked} of ${waits.length} unchecked`,
  )
}

await fill()
await atRate('well')
await atRate('hanging')
client.disconnect()
