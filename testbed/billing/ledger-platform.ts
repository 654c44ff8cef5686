import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '@fairlead/servers/processes'
import { eventId, type OrganizationId, parseId, type SourceId } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { encodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { openPublisher, type Publisher } from '@fairlead/wire/publish'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { connectStore, type StoreClient } from '@fairlead/wire/store-client'
import { eventSubject } from '@fairlead/wire/subjects'
import { Pool } from 'pg'
import { testEncryptionKeys } from '../configuration.ts'
import { startTestNats } from '../nats.ts'
import { scratchFolder } from '../scratch.ts'
import { type Service, startService } from '../service.ts'
import { startTcpProxy, type TcpProxy } from '../tcp-proxy.ts'
import { until } from '../until.ts'

/** A tenant with a ledger, whose events come from Stripe. */
export interface LedgerTenant {
  readonly id: OrganizationId
  readonly source: SourceId
  /** Where it is told of changes; undefined without a URL. */
  readonly destination: string | undefined
}

/** Worker and store as processes of their own, each with a proxy before the nats-server; and what a test needs beside them. */
export interface LedgerPlatform extends AsyncDisposable {
  readonly store: Service
  readonly worker: Service
  readonly storeToNats: TcpProxy
  readonly workerToNats: TcpProxy
  readonly natsUrl: string
  readonly natsPid: number
  readonly storeUrl: string
  readonly client: StoreClient
  query(statement: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** Starts an API, which answers once this resolves. */
  startApi(): Promise<{ readonly service: Service; readonly url: string }>
  /** Declares a tenant. @param url where it is told of changes */
  tenant(slug: string, url?: string): Promise<LedgerTenant>
  /** Puts an event into the stream, as the receiver does. @returns its id here */
  publish(tenant: LedgerTenant, event: BillingBody): Promise<string>
}

/** A body with an id and a type, as Stripe sends them. */
export interface BillingBody {
  readonly id: string
  readonly type: string
}

/** @param postgresUrl a migrated database of one's own */
export async function startLedgerPlatform(
  postgresUrl: string,
  env: Readonly<Record<string, string>> = {},
): Promise<LedgerPlatform> {
  await using opened = new AsyncDisposableStack()
  const logFolder = join(opened.use(await scratchFolder()).path, 'logs')
  await mkdir(logFolder)
  const nats = opened.use(await startTestNats())
  const proxied = async (): Promise<{ proxy: TcpProxy; url: string }> => {
    const proxy = opened.use(await startTcpProxy(nats.port))
    return { proxy, url: `nats://127.0.0.1:${proxy.port}` }
  }
  const [ofStore, ofWorker, storePort] = [await proxied(), await proxied(), await freePort()]
  // Takes more after the platform has started: `opened` has then handed over what it had.
  const parts = opened.use(new AsyncDisposableStack())
  const shared = { ...env, FAIRLEAD_ENCRYPTION_KEYS: testEncryptionKeys }
  const start = (name: 'store' | 'worker' | 'api', own: Record<string, string>): Service =>
    parts.use(startService({ name, main: `services/${name}/main.ts`, env: { ...shared, ...own }, logFolder }))
  const store = start('store', {
    FAIRLEAD_POSTGRES_URL: postgresUrl,
    FAIRLEAD_NATS_URL: ofStore.url,
    FAIRLEAD_STORE_PORT: String(storePort),
    FAIRLEAD_STORE_HOST: '127.0.0.1',
  })
  const storeUrl = `http://127.0.0.1:${storePort}`
  const client = opened.use(connectStore(storeUrl))
  await until(() => client.organizations.listOrganizations({}).then(Boolean, () => false), {
    deadlineMs: 60_000,
    what: 'a store that answers',
  })
  const worker = start('worker', {
    FAIRLEAD_NATS_URL: ofWorker.url,
    FAIRLEAD_WORKER_NAME: 'worker',
    FAIRLEAD_DESTINATION_ALLOW: '127.0.0.0/8',
  })
  const pool = new Pool({ connectionString: postgresUrl, options: '-c fairlead.scope=platform', max: 4 })
  pool.on('error', () => {})
  opened.defer(() => pool.end())
  const connection = await connectNats({ url: nats.url, name: 'test' })
  opened.defer(() => connection.close())
  const publisher = opened.use(openPublisher(connection, { atomic: true }))
  const held = opened.move()
  return {
    store,
    worker,
    storeToNats: ofStore.proxy,
    workerToNats: ofWorker.proxy,
    natsUrl: nats.url,
    natsPid: nats.pid,
    storeUrl,
    client,
    query: async (statement, values = []) => (await pool.query(statement, [...values])).rows,
    async startApi() {
      const port = await freePort()
      const service = start('api', {
        FAIRLEAD_STORE_URL: storeUrl,
        FAIRLEAD_API_PORT: String(port),
        FAIRLEAD_API_HOST: '127.0.0.1',
      })
      const url = `http://127.0.0.1:${port}`
      await until(() => fetch(url).then(Boolean, () => false), {
        deadlineMs: 60_000,
        what: 'an API that answers',
      })
      return { service, url }
    },
    tenant: (slug, url) => declare(client, slug, url),
    publish: (tenant, event) => publishBilling(publisher, tenant, event),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

async function declare(client: StoreClient, slug: string, url: string | undefined): Promise<LedgerTenant> {
  const { organization, sources, destinations } = await client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: `${slug}.yaml` },
    slug,
    ledgerEnabled: true,
    sources: [{ name: 'stripe', settings: { provider: 'stripe' } }],
    destinations: url === undefined ? [] : [{ name: 'app', settings: { url } }],
  })
  return {
    id: organization!.id as OrganizationId,
    source: parseId('src', sources[0]!.id)!,
    destination: destinations[0]?.id,
  }
}

async function publishBilling(
  publisher: Publisher,
  { id: organization, source: sourceId }: LedgerTenant,
  event: BillingBody,
): Promise<string> {
  const body = JSON.stringify(event)
  const id = eventId(organization, 'stripe', { id: event.id })
  const meta = {
    id,
    organization,
    source: 'stripe',
    sourceId,
    provider: 'stripe',
    revision: 1,
    type: event.type,
    receivedAt: Date.now(),
    method: 'POST',
    url: '/webhooks/stripe',
    headers: ['Content-Type', 'application/json'],
    size: Buffer.byteLength(body),
  }
  await publisher.publish(eventSubject(organization, 'stripe'), body, {
    'Nats-Msg-Id': id,
    [eventHeader]: encodeEventMeta(meta),
  })
  return id
}
