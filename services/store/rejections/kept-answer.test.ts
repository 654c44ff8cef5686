import { startTestStore } from '@fairlead/testbed/store'
import { connectNats } from '@fairlead/wire/connect'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { jetstreamManager } from '@nats-io/jetstream'
import { expect, test } from 'vitest'

test('a repeat of a promotion verifies nothing anew: its kept answer is looked up first', async () => {
  await using store = await startTestStore()
  await using opened = new AsyncDisposableStack()
  const nats = await connectNats({ url: store.natsUrl, name: 'test' })
  opened.defer(() => nats.close())
  const { organization } = await store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: 'acme.yaml#acme' },
    slug: 'acme',
  })
  const promote = (idempotencyKey: string) =>
    store.client.rejections.promoteRejections({
      organizationId: organization!.id,
      filter: {},
      change: { idempotencyKey, actorId: 'test', requestSha256: new Uint8Array(32) },
    })
  const first = await promote('one')
  // Whoever reads rejections fails from here on.
  await (await jetstreamManager(nats)).streams.delete('REJECTIONS')
  expect(await promote('one')).toEqual(first)
  await expect(promote('two')).rejects.toThrow()
})
