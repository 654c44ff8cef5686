import { connectNats } from '@fairlead/wire/connect'
import { openPublisher } from '@fairlead/wire/publish'
import { connectStore } from '@fairlead/wire/store-client'
import { jetstreamManager } from '@nats-io/jetstream'
import { publishEvents } from '../accept.ts'

/** Takes a stream away, with what is in it. @returns makes it again, empty */
export async function takeStream(url: string, name: string): Promise<() => Promise<void>> {
  const nats = await connectNats({ url, name: 'test' })
  const manager = await jetstreamManager(nats)
  const { config } = await manager.streams.info(name)
  await manager.streams.delete(name)
  return async () => {
    await manager.streams.add(config).catch(throwUnlessThere)
    await nats.close()
  }
}

/** Stores so many events of each tenant at once, from its GitHub source, as a receiver does. */
export async function storeEvents(
  { natsUrl, storeUrl }: { readonly natsUrl: string; readonly storeUrl: string },
  tenants: readonly string[],
  each: number,
): Promise<void> {
  await using opened = new AsyncDisposableStack()
  const client = opened.use(connectStore(storeUrl))
  const nats = await connectNats({ url: natsUrl, name: 'test' })
  opened.defer(() => nats.close())
  const publisher = opened.use(openPublisher(nats))
  for (const slug of tenants)
    await publishEvents({ client, publisher }, { slug, source: 'github', type: 'push', count: each })
}

/** Publishes bytes that no part of Fairlead would. */
export async function publishRaw(url: string, subject: string, bytes: string): Promise<void> {
  const nats = await connectNats({ url, name: 'test' })
  nats.publish(subject, bytes)
  await nats.drain()
}

/** A part may have made it again meanwhile. */
function throwUnlessThere(error: Error): void {
  if (!error.message.includes('already in use')) throw error
}
