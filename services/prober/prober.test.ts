import { until } from '@fairlead/testbed/until'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Probed, startProbed } from './fixtures/probed.ts'

let probed: Probed
beforeAll(async () => {
  probed = await startProbed()
}, 240_000)
afterAll(async () => {
  await probed?.[Symbol.asyncDispose]()
})

const passed = (hop: string) => `fairlead_probe_total{hop="${hop}",result="good"}`

test('probes of all 16 partitions pass every hop: accepted, delivered, retried, as a message, and in the log', async () => {
  const hops = ['accept', 'first_attempt', 'retry', 'nats', 'log']
  await until(
    async () => {
      const counts = await probed.series('fairlead_probe_total')
      const arrived = await probed.series('fairlead_probe_last_good_timestamp_seconds')
      return arrived.size === 16 && hops.every(hop => (counts.get(passed(hop)) ?? 0) > 0)
    },
    { deadlineMs: 150_000, everyMs: 500, what: 'a probe that passed each hop, and one of each partition' },
  ).catch(async (cause: Error) => {
    const counts = [...(await probed.series('fairlead_probe_total'))].map(([id, value]) => `${id} ${value}`)
    throw new Error(`${cause.message}\n${counts.join('\n')}\n${await probed.prober.output()}`, { cause })
  })
  expect(await probed.report()).toMatchObject({ lost: 0, refused: 0 })
}, 180_000)

test('a prober that is killed and started anew calls nothing lost, and keeps its organizations', async () => {
  const before = await probed.report()
  await probed.prober.kill9()
  const killedMs = Date.now()
  probed.prober.start()
  await until(
    async () => (await probed.series('fairlead_probe_partitions')).get('fairlead_probe_partitions') === 16,
    {
      deadlineMs: 120_000,
      what: 'the prober, again',
    },
  )
  await until(
    async () => {
      const { oldestOpenSeconds, sent } = await probed.report()
      return sent > before.sent && oldestOpenSeconds * 1_000 < Date.now() - killedMs
    },
    { deadlineMs: 240_000, what: 'all probes that were open when it was killed to have arrived' },
  )
  expect(await probed.report()).toMatchObject({ lost: 0, refused: 0 })
  expect(await probed.prober.output()).not.toContain('probe.lost')
}, 390_000)

test('a delivery that is not signed for the prober is refused, and is no arrival', async () => {
  const send = (slug: string) =>
    fetch(`${probed.sinkUrl}/arrivals/${slug}`, { method: 'POST', body: '{"id":"0-1-00"}' })
  const started = /"organizations":\["([^"]+)"/.exec(await probed.prober.output())
  expect((await send(started?.[1] ?? '')).status).toBe(401)
  expect((await send('nobody')).status).toBe(404)
})
