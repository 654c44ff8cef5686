import { until } from '@fairlead/testbed/until'
import { type EventId, newId } from '@fairlead/webhook/id'
import { decodeLogRecords, type LogRecord } from '@fairlead/wire/attempt'
import { decodeRejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { repeatsSubject } from '@fairlead/wire/subjects'
import { expect, test } from 'vitest'
import { acme, openAcme } from './fixtures/acme.ts'
import { openRepeats } from './report-repeats.ts'

test('a swallowed repeat reaches the event log, and is kept whole where its body differs', async () => {
  await using opened = await openAcme()
  const send = async (body: string, delivery: string) => {
    const response = await opened.github(body, { 'x-github-delivery': delivery })
    expect(response.status).toBe(200)
    return (await response.json()) as { id: EventId; duplicate: boolean }
  }
  const first = await send('{"paid":1}', 'one')
  expect(first.duplicate).toBe(false)
  expect(await send('{"paid":1}', 'one')).toEqual({ id: first.id, duplicate: true })
  expect(await send('{"refunded":1}', 'one')).toEqual({ id: first.id, duplicate: true })
  await send('{"paid":2}', 'two')

  const { manager } = opened
  const read = async (stream: string) => (await manager.streams.getMessage(stream, { seq: 1 })) ?? undefined
  // Added up over a second: one record, or two where the requests took longer than that.
  const records = async (): Promise<readonly LogRecord[]> => {
    const { state } = await manager.streams.info('ATTEMPTS')
    const seqs = Array.from({ length: state.last_seq }, (_, i) => i + 1)
    const messages = await Promise.all(seqs.map(seq => manager.streams.getMessage('ATTEMPTS', { seq })))
    return messages.flatMap(message => (message ? decodeLogRecords(message.data) : []))
  }
  const sum = (all: readonly LogRecord[], field: 'count' | 'differing') =>
    all.reduce((sum, record) => sum + (record.kind === 'repeated' ? record[field] : 0), 0)
  const told = await until(
    async () => {
      const all = await records()
      return sum(all, 'count') >= 2 && all
    },
    { what: 'the records of the repeats' },
  )
  const source = acme.sources.find(({ name }) => name === 'github')!
  const of = { kind: 'repeated', organization: acme.id, event: first.id, sourceId: source.id }
  for (const record of told) {
    expect(record).toEqual({
      ...of,
      count: expect.any(Number),
      differing: expect.any(Number),
      at: expect.any(Number),
      eventSeq: expect.toSatisfy((seq: number) => seq === 1 || seq === 2),
    })
  }
  expect([sum(told, 'count'), sum(told, 'differing')]).toEqual([2, 1])
  const kept = await until(() => read('REJECTIONS'), { what: 'the request that differs' })
  expect(kept!.subject).toBe(repeatsSubject(acme.id, 'github'))
  expect(Buffer.from(kept!.data).toString()).toBe('{"refunded":1}')
  expect(decodeRejectionMeta(kept!.header.get(rejectionHeader))).toMatchObject({
    reason: 'repeat_differs',
    repeats: { event: first.id, sourceId: source.id, type: 'push' },
  })
  expect((await manager.streams.info('REJECTIONS')).state.messages).toBe(1)
})

test('repeats wait for NATS under one message id, are bounded for one organization, and those left out are counted', async () => {
  const published: { id: string; records: LogRecord[] }[] = []
  let refusals = 1
  let lost = 0
  const repeats = openRepeats({
    subject: 'attempts.test',
    end: async () => 7,
    lost: count => {
      lost += count
    },
    publisher: {
      async publish(_subject, payload, headers) {
        published.push({ id: headers!['Nats-Msg-Id']!, records: decodeLogRecords(Buffer.from(payload)) })
        if (refusals-- > 0) throw new Error('no acknowledgement')
        return { seq: published.length, duplicate: false, batch: 1 }
      },
    },
  })
  const [organization, another, sourceId] = [newId('org', 0), newId('org', 1), newId('src', 0)]
  const note = (of: typeof organization, index: number) =>
    repeats.note({ organization: of, sourceId, event: newId('evt', index), differs: false, atMs: index })
  for (let i = 0; i < 5_001; i++) note(organization, i)
  expect(lost).toBe(1)
  note(another, 6_000)
  await until(() => published.length === 12, { what: 'every message, the first of them twice' })
  await repeats[Symbol.asyncDispose]()
  expect(published[0]!.id).toBe(published[1]!.id)
  expect(new Set(published.map(({ id }) => id)).size).toBe(11)
  const records = published.slice(1).flatMap(message => message.records)
  expect(records.filter(record => record.organization === another)).toHaveLength(1)
  expect(records).toHaveLength(5_001)
  expect(lost).toBe(1)
})
