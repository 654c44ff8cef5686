import { startTestNats } from '@fairlead/testbed/nats'
import { newId, toUuid } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { encodeRejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { ensureStreams } from '@fairlead/wire/streams'
import { rejectionsSubject } from '@fairlead/wire/subjects'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { headers } from '@nats-io/transport-node'
import { expect, test } from 'vitest'
import { pin } from './pin.ts'

test('once a copy fails the others go on, after the call was answered', async () => {
  await using server = await startTestNats()
  const nats = await connectNats({ url: server.url, name: 'test' })
  await using _closing = { [Symbol.asyncDispose]: () => nats.close() }
  const manager = await jetstreamManager(nats)
  await ensureStreams(manager, { replicas: 1, eventsMaxBytes: 1024 ** 2 })
  const organization = newId('org', 0)
  const receivedAt = Date.now()
  const meta = { organization, source: 'github', provider: 'github', receivedAt, method: 'POST', url: '/' }
  const fields = headers()
  fields.set(
    rejectionHeader,
    encodeRejectionMeta({ ...meta, reason: 'signature_mismatch', headers: [], size: 2 }),
  )
  const rows = []
  for (let count = 0; count < 40; count++) {
    const { seq } = await jetstream(nats).publish(rejectionsSubject(organization, 'github'), '{}', {
      headers: fields,
    })
    rows.push({
      organization_id: toUuid(organization),
      rejection: String(seq),
      received_at: new Date(receivedAt),
      event_id: toUuid(newId('evt', receivedAt)),
      source: 'github',
      facts: { sourceId: newId('src', 0), revision: 1, type: 'push' },
    })
  }
  const copies = async () => (await manager.streams.info('REJECTIONS')).state.messages - rows.length

  // NATS refuses to look up what is no sequence.
  await expect(pin(nats, [{ ...rows[0]!, rejection: 'none' }, ...rows])).rejects.toThrow()
  const left = await copies()
  expect(left).toBeLessThan(rows.length / 2)
  expect(await pin(nats, rows.slice(20))).toEqual([])
  expect(await copies()).toBe(left + 20)
})
