import { anOrganization } from '@fairlead/testbed/configuration'
import { startTestStore } from '@fairlead/testbed/store'
import { until } from '@fairlead/testbed/until'
import { connectNats } from '@fairlead/wire/connect'
import { encodeRejectionMeta, maxKeptBytes, rejectionHeader } from '@fairlead/wire/rejection'
import { rejectionsSubject } from '@fairlead/wire/subjects'
import { jetstream } from '@nats-io/jetstream'
import { headers } from '@nats-io/transport-node'
import { expect, test } from 'vitest'
import { oldestKept, openBounding } from './bound.ts'

test.each([
  ['nothing', [], undefined],
  ['all that is within the bytes', [40, 60], undefined],
  ['the newest, where an older one is too much', [40, 60, 1], 2],
  ['those before a gap in the sequences', [100, 100], 2],
  ['none, where the newest alone is too much', [1, 101], Number.POSITIVE_INFINITY],
])('of a source is kept %s', (_name, bytes, kept) => {
  const records = bytes.map((size, place) => ({ seq: place + 1, bytes: size }))
  expect(oldestKept(records, 100)).toBe(kept)
})

test('one large request has no source measured; many sources are measured a few a round', async () => {
  const measured: string[] = []
  const bounding = openBounding(async subject => {
    measured.push(subject)
  })
  const came = (subject: string, size: number) => {
    const fields = headers()
    const known = { organization: anOrganization('acme').id, source: 'a', provider: 'github', receivedAt: 1 }
    const facts = { method: 'POST', url: '/', reason: 'signature_missing', headers: [], size }
    fields.set(rejectionHeader, encodeRejectionMeta({ ...known, ...facts }))
    bounding.note({ subject, headers: fields })
  }
  for (let i = 0; i < 15; i++) came('large', maxKeptBytes)
  for (let i = 0; i < 1_000; i++) came('small', 60_000)
  await bounding.round()
  expect(measured).toEqual([])
  came('large', maxKeptBytes)
  await bounding.round()
  await bounding.round()
  expect(measured.splice(0)).toEqual(['large'])
  for (let n = 0; n < 12; n++) for (let i = 0; i < 16; i++) came(`source ${n}`, maxKeptBytes)
  await bounding.round()
  expect(measured.length).toBeLessThan(12)
  await bounding.round()
  expect(new Set(measured).size).toBe(12)
})

test('a source that is refused large requests keeps the newest 60 MiB, and 64 at most, and costs others nothing', async () => {
  await using store = await startTestStore()
  const nats = await connectNats({ url: store.natsUrl, name: 'test' })
  await using opened = new AsyncDisposableStack()
  opened.defer(() => nats.close())
  const organization = anOrganization('acme').id
  const body = new Uint8Array(maxKeptBytes)
  const publish = async (source: string, bytes: Uint8Array) => {
    const fields = headers()
    const meta = {
      organization,
      source,
      provider: 'github',
      receivedAt: Date.now(),
      method: 'POST',
      url: '/',
    }
    const facts = { reason: 'signature_missing', headers: [], size: bytes.length }
    fields.set(rejectionHeader, encodeRejectionMeta({ ...meta, ...facts }))
    return (
      await jetstream(nats).publish(rejectionsSubject(organization, source), bytes, { headers: fields })
    ).seq
  }
  const other = await publish('other', new Uint8Array(1))
  const all: number[] = []
  for (let i = 0; i < 40; i++) {
    all.push(...(await Promise.all(Array.from({ length: 8 }, () => publish('github', body)))))
  }
  const kept = (source: string) =>
    store.client.rejections
      .listRejections({ organizationId: organization, source, omitBodies: true, limit: 1000 })
      .then(({ rejections }) => rejections.map(({ id }) => Number(id)))
  await until(async () => (await kept('github')).length <= 256, {
    what: 'the oldest removed',
    deadlineMs: 60_000,
  })
  const left = await kept('github')
  expect(left.length).toBeGreaterThanOrEqual(240)
  expect(left).toEqual(all.sort((a, b) => b - a).slice(0, left.length))
  expect(await kept('other')).toEqual([other])
})
