import { randomBytes } from 'node:crypto'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { until } from '@fairlead/testbed/until'
import { openKeyring, sealContext } from '@fairlead/wire/seal'
import { Pool } from 'pg'
import { expect, test } from 'vitest'
import { applyOrganization } from './organizations/apply.ts'
import { organizationIdOf, readOrganizations, type StoredOrganization } from './organizations/read.ts'
import { reencrypt } from './reencrypt.ts'
import { inScope } from './scope.ts'

const key = (id: string) => `${id}:${randomBytes(32).toString('base64')}`

test('after a rotation everything opens with the new key alone; stopped and repeated, nothing is lost', async () => {
  await using database = await createTestDatabase()
  const [old, next] = [key('old'), key('new')]
  const pool = new Pool({ connectionString: database.url, max: 2 })
  await using _ = { [Symbol.asyncDispose]: () => pool.end() }
  const keyring = openKeyring(old)
  for (let i = 0; i < 3; i++) {
    await inScope(pool, 'platform', db =>
      applyOrganization(db, desired(`acme-${i}`), { keyring, nowMs: Date.now() }),
    )
  }
  const rotated = openKeyring(`${next},${old}`)
  // Stopped: another connection holds a row of a later table, and the command's statement is cancelled.
  const blocker = await pool.connect()
  await blocker.query(
    "begin; set local fairlead.scope = 'platform'; update signing_secrets set position = position",
  )
  const stopping = new Pool({ connectionString: database.url, max: 1 })
  const stopped = expect(reencrypt(stopping, rotated)).rejects.toThrow()
  const cancel = `select pg_cancel_backend(pid) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`
  await until(async () => (await pool.query(cancel)).rowCount === 1, { what: 'a statement that waits' })
  await stopped
  await blocker.query('rollback')
  blocker.release()
  await stopping.end()

  // What was done before it was stopped (sources and headers) stays done.
  expect(await reencrypt(pool, rotated)).toBe(6)
  expect(await reencrypt(pool, rotated)).toBe(0)
  const alone = openKeyring(next)
  for (const stored of await inScope(pool, 'platform', db => readOrganizations(db))) {
    expect(openAll(stored, alone)).toEqual(['test-secret', 'test-token', 'whsec_test', 'rk_live_test_only'])
  }
})

function openAll(stored: StoredOrganization, keyring: ReturnType<typeof openKeyring>): string[] {
  const id = organizationIdOf(stored)
  const { sources, destinations, signingSecrets, hydrationKeys } = stored
  return [
    keyring.open(sources[0]!.secrets[0]!.sealed, sealContext.sourceSecret(id, 'stripe')),
    keyring.open(destinations[0]!.headers[0]!.sealed, sealContext.destinationHeader(id, 'billing')),
    keyring.open(signingSecrets[0]!.sealed, sealContext.signingSecret(id)),
    keyring.open(hydrationKeys[0]!.sealed, sealContext.hydrationKey(id)),
  ]
}

function desired(slug: string): Parameters<typeof applyOrganization>[1] {
  const noLimit = { rate_limit_per_second: null, rate_limit_burst: null }
  return {
    owner: { owner_kind: 'file', owner_reference: slug },
    slug,
    displayName: '',
    plan: '',
    active: true,
    retentionDays: 7,
    weight: 1,
    ledgerEnabled: false,
    rateLimit: noLimit,
    members: [],
    sources: [
      {
        row: {
          name: 'stripe',
          provider: 'stripe',
          scheme: null,
          options: {},
          tolerance_seconds: null,
          ...noLimit,
          deduplicate: true,
          trust_traceparent: false,
          active: true,
          mode: 'live',
          account: '',
          search: null,
        },
        secrets: [{ id: 'one', value: 'test-secret' }],
      },
    ],
    destinations: [
      {
        row: {
          name: 'billing',
          kind: 'http',
          processor: '',
          url: 'https://billing.acme.example',
          timeout_seconds: 15,
          concurrency: 10,
          ...noLimit,
          retry_delays_seconds: [60],
          paused: false,
          forward_credentials: false,
          trace_context: 'w3c',
          active: true,
        },
        headers: [{ id: 'x-token', value: 'test-token' }],
        auth: JSON.stringify([{ kind: 'bearer', token: 'test-token' }]),
      },
    ],
    routes: [],
    signingSecrets: [{ id: 'one', value: 'whsec_test' }],
    hydrationKeys: [{ id: 'stripe', value: 'rk_live_test_only' }],
    apiKeys: [],
  }
}
