import { putConfiguration, testEncryptionKeys, testSigningSecret } from '@fairlead/testbed/configuration'
import { until } from '@fairlead/testbed/until'
import { openKeyring, sealContext } from '@fairlead/wire/seal'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { attemptsOf, openPlatform, startWorker } from '../fixtures/platform.ts'

test('a destination of the kind nats: the event is a message for others to consume, once', async () => {
  await using opened = await openPlatform({ destinations: [{ name: 'bus', kind: 'nats' }] })
  await using _running = await startWorker(opened.server.url)
  const id = await opened.publish('{"for":"others"}')
  const message = await until(
    async () => (await opened.manager.streams.getMessage('OUTBOUND', { seq: 1 })) ?? undefined,
  )
  expect(message.subject).toBe('outbound.acme.bus')
  expect(message.string()).toBe('{"for":"others"}')
  expect(message.header.get('webhook-id')).toBe(id)
  const signed = Object.fromEntries(message.header.keys().map(name => [name, message.header.get(name)]))
  expect(new Webhook(testSigningSecret).verify(message.string(), signed)).toEqual({ for: 'others' })
  const attempts = await until(async () => {
    const all = attemptsOf(await opened.records(), id)
    return all.length > 0 && all
  })
  expect(attempts[0]).toMatchObject({ outcome: 'delivered' })
})

test('built-in processors are destinations with the same log and the same retries', async () => {
  await using opened = await openPlatform({
    destinations: [
      { name: 'tally', kind: 'processor', processor: 'tally' },
      { name: 'typo', kind: 'processor', processor: 'tallly', retryDelaysSeconds: [1] },
    ],
  })
  await using _running = await startWorker(opened.server.url)
  const id = await opened.publish('{}')
  const attempts = await until(async () => {
    const all = attemptsOf(await opened.records(), id)
    return all.length === 3 && all
  })
  const ends = attempts.map(({ outcome, number, settlement }) => `${outcome} ${number} ${settlement.kind}`)
  expect(ends.sort()).toEqual([
    'delivered 1 delivered',
    'processor_failed 1 retry',
    'processor_failed 2 dead',
  ])
})

test('a destination that asks for a token gets it', async () => {
  await using opened = await openPlatform()
  const [app] = opened.organization.destinations
  const keyring = openKeyring(testEncryptionKeys)
  const sealed = keyring.seal(
    JSON.stringify([{ kind: 'bearer', token: 'test-token' }]),
    sealContext.destinationAuth(opened.organization.id, 'app'),
  )
  await putConfiguration(opened.nats, { ...opened.organization, destinations: [{ ...app!, auth: sealed }] })
  await using _running = await startWorker(opened.server.url)
  await opened.publish('{}', { revision: 2 })
  const [got] = await opened.sink.waitForCount(1)
  expect(got!.headers.authorization).toBe('Bearer test-token')
})
