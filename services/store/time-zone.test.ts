import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { storeErrorDetail } from '@fairlead/wire/store-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readTimeZone } from './time-zone.ts'

const opened = new AsyncDisposableStack()
let store: TestStore
let organizationId: string
beforeAll(async () => {
  store = opened.use(await startTestStore())
  const { organization } = await store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: 'acme.yaml' },
    slug: 'acme',
    ledgerEnabled: true,
  })
  organizationId = organization!.id
})
afterAll(() => opened.disposeAsync())

const before = timestampFromMs(Date.parse('2026-11-15T00:00:00Z'))
/** The fields that are refused, by each call that counts days of a time zone. */
async function refused(timeZone: string): Promise<(string | undefined)[]> {
  const question = { organizationId, before, timeZone }
  const calls = [
    store.client.ledger.readLedgerFigures({ organizationId, before, timeZone }),
    store.client.revenue.readPeriods({ question, byMonth: true }),
    store.client.usage.getAnalytics({ organizationId, by: 'source', interval: 'day', timeZone }),
  ]
  const outcomes = await Promise.allSettled(calls)
  return outcomes.map(outcome =>
    outcome.status === 'rejected' ? storeErrorDetail(outcome.reason)?.field : undefined,
  )
}

test.each(['+05:30', '-03', '5', 'BST', 'cet', 'SystemV/PST8', 'US/Pacific-New', 'Mars/Olympus'])(
  'days are not those of another time zone where Postgres reads "%s" otherwise than JavaScript, or not at all',
  async timeZone => {
    expect(await refused(timeZone)).toEqual(['time_zone', 'time_zone', 'time_zone'])
  },
)

test.each([
  '',
  'UTC',
  'GMT',
  'Europe/Berlin',
  'America/Argentina/Buenos_Aires',
  'Asia/Kathmandu',
  'Etc/GMT+5',
])('the time zone "%s" is taken', async timeZone => {
  expect(readTimeZone(timeZone)).toBe(timeZone || 'UTC')
  expect(await refused(timeZone)).toEqual([undefined, undefined, undefined])
})
