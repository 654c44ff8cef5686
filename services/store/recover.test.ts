import { randomBytes } from 'node:crypto'
import { startTestNats } from '@fairlead/testbed/nats'
import { createTestDatabase, type TestDatabase } from '@fairlead/testbed/postgres'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { until } from '@fairlead/testbed/until'
import { eventId, type OrganizationId, type SourceId } from '@fairlead/webhook/id'
import { decodeConfig, type OrganizationConfig } from '@fairlead/wire/config'
import { connectNats } from '@fairlead/wire/connect'
import { openKeyring, sealContext } from '@fairlead/wire/seal'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { bucketName } from '@fairlead/wire/streams'
import { Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { publishEvent } from './project/fixture/publish-story.ts'
import { countEvents } from './project/fixture/read-log.ts'
import { anEventMeta } from './project/fixture/story.ts'

/** What docs/operations/recover.md promises of a whole store. The projection by itself: project/project.test.ts. */

let server: Awaited<ReturnType<typeof startTestNats>>
let nats: NatsConnection
beforeAll(async () => {
  server = await startTestNats()
  nats = await connectNats({ url: server.url, name: 'test' })
})
afterAll(async () => {
  await nats?.close()
  await server?.[Symbol.asyncDispose]()
})

/** As the operator does from a resource and its Secrets, which a database has no part in. */
async function apply({ client }: TestStore, slug: string, secret: string) {
  const { organization, sources } = await client.organizations.applyOrganization({
    owner: { kind: OwnerKind.KUBERNETES, reference: `tenants/${slug}` },
    slug,
    sources: [{ name: 'stripe', settings: { provider: 'stripe' }, secrets: [{ id: 'a/b', value: secret }] }],
    destinations: [
      {
        name: 'billing',
        settings: { url: 'https://billing.acme.example/hooks' },
        headers: [{ id: 'x-token', value: 'test-token' }],
      },
    ],
    signingSecrets: [{ id: 'one', value: 'whsec_test' }],
  })
  return { id: organization!.id as OrganizationId, source: sources[0]!.id as SourceId }
}

/** What receivers and workers are told. */
async function published(id: string): Promise<OrganizationConfig | undefined> {
  const entry = await (await new Kvm(nats).open(bucketName.config)).get(id)
  return entry?.operation === 'PUT' ? decodeConfig(entry.value) : undefined
}

let received = 0

async function receive({ id, source }: Awaited<ReturnType<typeof apply>>, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const event = eventId(id, 'stripe', { id: `evt_${++received}` })
    const meta = { id: event, organization: id, sourceId: source, receivedAt: Date.now() }
    await publishEvent(nats, anEventMeta(meta))
  }
}

/** A copy of a database that nobody is connected to: what a dump and its restoration leave. */
async function restoredCopy(of: TestDatabase) {
  const name = `${of.name}_restored`
  const admin = async (statement: string) => {
    const client = new Client({ connectionString: new URL('/postgres', of.adminUrl).href })
    await client.connect()
    await client.query(statement).finally(() => client.end())
  }
  await admin(`create database ${name} owner fairlead template ${of.name}`)
  return {
    url: new URL(`/${name}`, of.url).href,
    adminUrl: new URL(`/${name}`, of.adminUrl).href,
    [Symbol.asyncDispose]: () => admin(`drop database ${name} with (force)`),
  }
}

test('a store on an older copy of its database catches up from the streams, and with what is declared again', async () => {
  await using database = await createTestDatabase()
  const options = { natsUrl: server.url }
  let acme: Awaited<ReturnType<typeof apply>>
  {
    await using before = await startTestStore({ ...options, postgresUrl: database.url })
    acme = await apply(before, 'acme', 'test-secret-old')
    await receive(acme, 20)
    await until(async () => (await countEvents(database.adminUrl)) === 20)
  }
  await using restored = await restoredCopy(database)
  let beta: Awaited<ReturnType<typeof apply>>
  {
    await using after = await startTestStore({ ...options, postgresUrl: database.url })
    beta = await apply(after, 'beta', 'test-secret-of-beta')
    await apply(after, 'acme', 'test-secret-new')
    await receive(acme, 30)
    await receive(beta, 10)
    await until(async () => (await countEvents(database.adminUrl)) === 60)
  }

  await using store = await startTestStore({ ...options, postgresUrl: restored.url })
  await until(async () => (await countEvents(restored.adminUrl)) === 60)
  // What is declared goes back to the copy first …
  await until(async () => (await published(beta.id)) === undefined)
  // … until it is declared again: the same organizations keep their ids, newer ones get others.
  expect(await apply(store, 'acme', 'test-secret-new')).toEqual(acme)
  const betaAgain = await apply(store, 'beta', 'test-secret-of-beta')
  expect(betaAgain.id).not.toBe(beta.id)
  expect((await published(betaAgain.id))?.slug).toBe('beta')
})

test('without the encryption key, what is declared again is sealed with the new one, and nothing old opens', async () => {
  await using database = await createTestDatabase()
  const key = (id: string) => `${id}:${randomBytes(32).toString('base64')}`
  const [lost, fresh] = [key('k1'), key('k2')]
  const options = { natsUrl: server.url, postgresUrl: database.url }
  let id: OrganizationId
  {
    await using before = await startTestStore({ ...options, encryptionKeys: lost })
    id = (await apply(before, 'lost', 'test-secret')).id
  }
  await using store = await startTestStore({ ...options, encryptionKeys: fresh })
  const keyring = openKeyring(fresh)
  const context = sealContext.sourceSecret(id, 'stripe')
  const sealedOf = async () => (await published(id))!.sources[0]!.secrets[0]!.sealed
  const old = await sealedOf()
  expect(() => keyring.open(old, context)).toThrow(/no key k1/)

  expect((await apply(store, 'lost', 'test-secret')).id).toBe(id)
  expect(keyring.open(await sealedOf(), context)).toBe('test-secret')
  const config = (await published(id))!
  const header = config.destinations[0]!.headers[0]!
  expect(keyring.open(header.sealed, sealContext.destinationHeader(id, 'billing'))).toBe('test-token')
  expect(keyring.open(config.signingSecrets[0]!.sealed, sealContext.signingSecret(id))).toBe('whsec_test')
})
