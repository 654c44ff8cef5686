import { anOrganization } from '@fairlead/testbed/configuration'
import { startTestStore } from '@fairlead/testbed/store'
import { until } from '@fairlead/testbed/until'
import { connectNats } from '@fairlead/wire/connect'
import { encodeRejectionMeta, maxKeptBytes, rejectionHeader } from '@fairlead/wire/rejection'
import { rejectionsSubject } from '@fairlead/wire/subjects'
import { jetstream } from '@nats-io/jetstream'
import { headers } from '@nats-io/transport-node'
import { expect, test } from 'vitest'
import { oldestKept } from './bound.ts'

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

test('a source that is refused large requests keeps the newest 64 MiB, and costs others nothing', async () => {
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
  expect(await kept('github')).toEqual(all.sort((a, b) => b - a).slice(0, 256))
  expect(await kept('other')).toEqual([other])
}, 120_000)
