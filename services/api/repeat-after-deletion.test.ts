import { randomUUID } from 'node:crypto'
import { until } from '@fairlead/testbed/until'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStoredFacts, type StoredFacts } from './fixtures/stored-facts.ts'
import { type Answer, anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'

/*
 * A write whose client never saw the answer, and what it was about was deleted meanwhile: a repeat with the same
 * Idempotency-Key gets the first answer, not 404. The walk over all writes (`every-write.test.ts`) repeats at once.
 */
const base = '/api/v1/organizations/acme'
let api: TestApi
let facts: StoredFacts
const opened = new AsyncDisposableStack()

beforeAll(async () => {
  api = opened.use(await openTestApi())
  facts = opened.use(await openStoredFacts(api, await anOrganization(api.store, 'acme')))
})
afterAll(() => opened.disposeAsync())

interface Subject {
  /** Below the organization. */
  readonly path: string
  readonly name: string
}

async function make(path: string, body: Record<string, unknown>): Promise<Subject> {
  const { id } = (await api.call('POST', `${base}/${path}`, { body })).body
  return { path: `${path}/${id}`, name: String(body.name) }
}

const name = () => `made-${randomUUID()}`
const subjects = {
  source: () =>
    make('sources', { name: name(), provider: 'github', secrets: [{ id: 'a', value: 'test-only' }] }),
  destination: () => make('destinations', { name: name(), url: 'https://made.example/' }),
  route: () => make('routes', { source: 'github', eventTypes: [name()], destinations: ['builds'] }),
  key: () => make('api-keys', { name: name() }),
  invitation: () => make('invitations', { email: `${randomUUID()}@walk.example` }),
}

type Ask = (subject: Subject) => readonly [method: string, path: string, body?: unknown]

test.each<[string, keyof typeof subjects, Ask]>([
  ['updateSource', 'source', ({ path }) => ['PATCH', path, { active: false }]],
  [
    'putSource',
    'source',
    ({ path, name }) => ['PUT', path, { name, provider: 'github', secrets: [{ id: 'a' }], active: false }],
  ],
  ['deleteSource', 'source', ({ path }) => ['DELETE', path]],
  ['updateDestination', 'destination', ({ path }) => ['PATCH', path, { concurrency: 3 }]],
  [
    'putDestination',
    'destination',
    ({ path, name }) => ['PUT', path, { name, url: 'https://made.example/', concurrency: 3 }],
  ],
  ['deleteDestination', 'destination', ({ path }) => ['DELETE', path]],
  ['pauseDestination', 'destination', ({ name }) => ['POST', `destinations/${name}/pause`]],
  ['resumeDestination', 'destination', ({ name }) => ['POST', `destinations/${name}/resume`]],
  [
    'putRoute',
    'route',
    ({ path }) => ['PUT', path, { source: 'github', eventTypes: ['a'], destinations: ['billing'] }],
  ],
  ['updateRoute', 'route', ({ path }) => ['PATCH', path, { destinations: ['billing'] }]],
  ['deleteRoute', 'route', ({ path }) => ['DELETE', path]],
  ['rotateApiKey', 'key', ({ path }) => ['POST', `${path}/rotate`, {}]],
  ['revokeApiKey', 'key', ({ path }) => ['DELETE', path]],
  ['revokeInvitation', 'invitation', ({ path }) => ['DELETE', path]],
  [
    'createReplay',
    'destination',
    ({ name }) => ['POST', 'replays', { types: ['none'], destinations: [name] }],
  ],
  ['createRetry', 'destination', ({ name }) => ['POST', 'retries', { filter: { destination: name } }]],
  ['retryDeadLetters', 'destination', ({ name }) => ['POST', 'dead-letters/retry', { destination: name }]],
  [
    'discardDeadLetters',
    'destination',
    ({ name }) => ['POST', 'dead-letters/discard', { destination: name, discardReason: 'test' }],
  ],
])('%s is answered as before when its %s has been deleted', async (_operation, kind, ask) => {
  const subject = await subjects[kind]()
  const [method, path, body] = ask(subject)
  const key = randomUUID()
  const perform = (): Promise<Answer> =>
    api.call(method, `${base}/${path}`, {
      headers: { 'if-match': '*', 'idempotency-key': key },
      ...(body !== undefined && { body }),
    })
  const first = await perform()
  expect(first.status, JSON.stringify(first.body)).toBeLessThan(300)
  await api.call('DELETE', `${base}/${subject.path}`, { headers: { 'if-match': '*' } })
  const again = await perform()
  expect([again.status, again.body]).toEqual([first.status, first.body])
  expect(again.headers.get('idempotent-replayed')).toBe('true')
})

test('an event that is tried again is answered as before when the destination has been deleted', async () => {
  const { event } = await facts.event('dead')
  // Its delivery comes to the log with a record of its own, which may be later than the event.
  await until(
    async () => (await api.call('GET', `${base}/events/${event}`)).body.deliveries?.[0]?.state === 'dead',
    { what: 'the dead delivery in the log' },
  )
  const key = randomUUID()
  const perform = () =>
    api.call('POST', `${base}/events/${event}/retry`, {
      headers: { 'idempotency-key': key },
      body: { destination: 'billing' },
    })
  const first = await perform()
  expect(first.status, JSON.stringify(first.body)).toBe(202)
  await api.store.query("update destinations set deleted_at = now() where name = 'billing'")
  const again = await perform()
  expect([again.status, again.body]).toEqual([first.status, first.body])
})

test('of what was deleted, another request is told that it is not there, and changes nothing', async () => {
  const { path, name } = await subjects.destination()
  await api.call('DELETE', `${base}/${path}`, { headers: { 'if-match': '*' } })
  const ask = (path: string, body: unknown, method = 'POST') =>
    api.call(method, `${base}/${path}`, {
      headers: { 'if-match': '*', 'idempotency-key': randomUUID() },
      body,
    })
  const answers = [
    await ask(path, { concurrency: 3 }, 'PATCH'),
    await ask(`destinations/${name}/pause`, undefined),
    await ask('replays', { types: ['none'], destinations: [name] }),
    await ask('dead-letters/discard', { destination: name, discardReason: 'test' }),
  ]
  expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
    answers.map(() => [404, 'not_found']),
  )
  const { items } = (await api.call('GET', `${base}/destinations`)).body
  expect(items.map((one: { name: string }) => one.name)).not.toContain(name)
})
