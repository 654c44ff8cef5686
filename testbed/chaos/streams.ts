import { connectNats } from '@fairlead/wire/connect'
import { jetstreamManager } from '@nats-io/jetstream'

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
