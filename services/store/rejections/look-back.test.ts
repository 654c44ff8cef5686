import { startTestNats } from '@fairlead/testbed/nats'
import { newId, type OrganizationId } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { encodeRejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { defaultStreamLimits, ensureStreams } from '@fairlead/wire/streams'
import { rejectionsSubject } from '@fairlead/wire/subjects'
import { type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { lookBack, mostHeld, readBack, readPending } from './look-back.ts'
import { judgeAll } from './promote.ts'

const opened = new AsyncDisposableStack()
let nats: NatsConnection
beforeAll(async () => {
  const server = opened.use(await startTestNats())
  nats = await connectNats({ url: server.url, name: 'test' })
  opened.defer(() => nats.close())
  await ensureStreams(await jetstreamManager(nats), defaultStreamLimits)
})
afterAll(() => opened.disposeAsync())
beforeEach(async () => {
  await (await jetstreamManager(nats)).streams.purge('REJECTIONS')
})

const acme = newId('org', 1)
const globex = newId('org', 2)

/** Adds rejections of a source, all answered for. */
async function add(
  count: number,
  organization: OrganizationId,
  source: string,
  padding = '',
): Promise<number[]> {
  const sequences: number[] = []
  const known = { organization, source, provider: 'github', receivedAt: Date.now(), method: 'POST', url: '/' }
  const facts = { reason: 'signature_mismatch', headers: ['x-padding', padding], size: 2 }
  for (let left = count; left > 0; left -= 250) {
    const acks = Array.from({ length: Math.min(left, 250) }, () => {
      const fields = headers()
      fields.set(rejectionHeader, encodeRejectionMeta({ ...known, ...facts }))
      return jetstream(nats).publish(rejectionsSubject(organization, source), '{}', { headers: fields })
    })
    for (const { seq } of await Promise.all(acks)) sequences.push(seq)
  }
  return sequences
}

const every = { subjects: [rejectionsSubject(acme, '*')], fits: () => true }

test('a dense part before a sparse one is not held in memory as a whole', async () => {
  const all: number[] = []
  for (const source of ['a', 'b', 'c']) all.push(...(await add(1_000, acme, source)))
  for (const source of ['a', 'b', 'c', 'd', 'e', 'f']) await add(1_000, globex, source)
  all.push(...(await add(10, acme, 'd')))
  const found: number[] = []
  for await (const look of lookBack(nats, every)) {
    expect(look.rejections.length).toBeLessThanOrEqual(mostHeld)
    found.push(...look.rejections.map(({ seq }) => seq))
  }
  expect(found).toEqual(all.sort((a, b) => b - a))
})

test('long headers of a thousand rejections are not held in memory at one time', async () => {
  const all = await add(600, acme, 'a', 'x'.repeat(16_000))
  const found: number[] = []
  for await (const look of lookBack(nats, every)) {
    expect(look.rejections.length).toBeLessThan(300)
    found.push(...look.rejections.map(({ seq }) => seq))
  }
  expect(found).toEqual(all.sort((a, b) => b - a))
  const page = await readBack(nats, { ...every, limit: 1_000 })
  expect(page.rejections.length).toBeLessThan(300)
  expect(page.below).toBe(page.rejections.at(-1)!.seq)
})

test('a page whose filter nothing fits does not read everything: its cursor goes on', async () => {
  const sources = Array.from({ length: 11 }, (_, place) => `s${place}`)
  const [oldest] = await add(1, acme, 'oldest')
  for (const source of sources) await add(1_000, acme, source)
  const fits = ({ source }: { readonly source: string }) => source === 'oldest'
  const first = await readBack(nats, { ...every, fits, limit: 10 })
  expect([first.rejections, first.below]).toEqual([[], expect.any(Number)])
  const second = await readBack(nats, { ...every, fits, limit: 10, below: first.below })
  expect([second.rejections.map(({ seq }) => seq), second.below]).toEqual([[oldest], undefined])
})

test('a page that is full has a cursor only where more follows', async () => {
  const all = await add(4, acme, 'a')
  const page = await readBack(nats, { ...every, limit: 2 })
  expect(page.below).toBe(all[2])
  expect((await readBack(nats, { ...every, limit: 2, below: page.below })).below).toBeUndefined()
})

test('a reading that lost messages on its way is not taken for a whole one', async () => {
  await add(3, acme, 'a')
  const manager = await jetstreamManager(nats)
  const read = async (lost: number) => {
    const { name } = await manager.consumers.add('REJECTIONS', { ack_policy: 'none' })
    const consumer = await jetstream(nats).consumers.get('REJECTIONS', name)
    const losing = {
      info: () => consumer.info(),
      async fetch(options: Parameters<typeof consumer.fetch>[0]): Promise<AsyncIterable<JsMsg>> {
        const fetched = await consumer.fetch(options)
        return (async function* () {
          for await (const message of fetched) {
            if (message.info.deliverySequence !== lost) yield message
            if (message.info.pending === 0) return
          }
        })()
      },
    }
    return readPending(losing, 3, Number.MAX_SAFE_INTEGER)
  }
  expect((await read(0)).messages).toHaveLength(3)
  for (const lost of [1, 2, 3]) await expect(read(lost)).rejects.toMatchObject({ code: 'nats_unavailable' })
})

test('a promotion of many ends with its time, and with its call: the oldest are left', async () => {
  const [first, second, third] = await add(3, acme, 'a')
  const stays = async () => ({ kind: 'stays', reason: 'source_gone' }) as const
  const { signal } = new AbortController()
  let left = 2
  const sequences = [first!, second!, third!]
  const judged = await judgeAll(nats, acme, { sequences, signal }, stays, async () => left-- > 0)
  expect([judged.left.get('source_gone'), judged.unchecked]).toEqual([2, [first]])
  const ended = AbortSignal.abort(new Error('its caller has gone'))
  const late = judgeAll(nats, acme, { sequences, signal: ended }, stays, async () => true)
  await expect(late).rejects.toThrow('its caller has gone')
})
