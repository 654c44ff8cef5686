import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { type Sink, startSink } from '@fairlead/testbed/sink'
import { freeSettings, type RunningStandalone, startStandalone } from '@fairlead/testbed/standalone'
import { until } from '@fairlead/testbed/until'
import { sampleRequest } from '@fairlead/webhook/sample-request'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runHere } from './fixtures/run-here.ts'
import { runCommand } from './run-command.ts'

/** A request that was swallowed as a repeat although its body differs, the whole way: kept, told, taken in, delivered. */

const secret = 'test-only-github'
const manifest = (url: string, displayName: string) => `
apiVersion: fairlead.dev/v1alpha1
kind: Organization
metadata: { name: tenant }
spec:
  displayName: ${displayName}
  sources: [{ name: github, provider: github, secrets: [{ secretRef: { name: webhooks, key: github } }] }]
  destinations: [{ name: one, url: "${url}/one", allowInsecureHttp: true }]
  routes: [{ source: github, eventTypes: [push], destinations: [one] }]
---
apiVersion: v1
kind: Secret
metadata: { name: webhooks }
stringData: { github: ${secret} }
`

const opened = new AsyncDisposableStack()
let sink: Sink
let standalone: RunningStandalone
let receiverUrl: string
let file: string
let home: string
let env: Record<string, string>

beforeAll(async () => {
  sink = opened.use(await startSink())
  home = opened.use(await scratchFolder()).path
  const organizations = opened.use(await scratchFolder()).path
  file = join(organizations, 'tenant.yaml')
  await writeFile(file, manifest(sink.url, 'Tenant'))
  const { url: postgresUrl } = opened.use(await createTestDatabase())
  const settings = { ...(await freeSettings(home)), organizations, postgresUrl }
  standalone = opened.use(startStandalone(settings))
  await standalone.ready()
  receiverUrl = `http://127.0.0.1:${settings.receiverPort}/webhooks/tenant/github`
  env = {
    PATH: process.env.PATH ?? '',
    NO_COLOR: '1',
    FAIRLEAD_HOME: home,
    FAIRLEAD_ORGANIZATIONS: organizations,
    FAIRLEAD_API_PORT: String(settings.apiPort),
  }
}, 240_000)
afterAll(() => opened.disposeAsync(), 240_000)

async function fairlead(...args: string[]) {
  const ended = await runHere(() => runCommand(args), env)
  return { ...ended, items: args.includes('--json') ? jsonLines(ended.stdout) : [] }
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
const jsonLines = (text: string): any[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))

/** Posts a body under a delivery id of GitHub's, which repeats keep. */
async function post(delivery: string, body: string): Promise<{ id: string; duplicate: boolean }> {
  const sample = sampleRequest('github', { secret, nowMs: 0, random: Math.random, body })
  const headers = { ...(sample.headers as Record<string, string>), 'x-github-delivery': delivery }
  const response = await fetch(receiverUrl, { method: 'POST', headers, body })
  expect(response.status).toBe(200)
  return (await response.json()) as { id: string; duplicate: boolean }
}

const bodiesOf = (id: string) =>
  sink.received.filter(({ headers }) => headers['webhook-id'] === id).map(({ body }) => body.toString())

test('a swallowed repeat that differs is taken in once, and its own bytes are delivered', {
  timeout: 240_000,
}, async () => {
  const first = await post('one', '{"ref":"first"}')
  expect(first.duplicate).toBe(false)
  expect(await post('one', '{"ref":"first"}')).toEqual({ id: first.id, duplicate: true })
  expect(await post('one', '{"ref":"second"}')).toEqual({ id: first.id, duplicate: true })
  const kept = await until(async () => (await fairlead('rejections', '--json')).items[0], {
    what: 'the rejection',
  })
  expect(kept).toMatchObject({ reason: 'repeat_differs', repeatsEvent: first.id, canBeTakenIn: true })
  expect((await fairlead('rejections', kept.id)).stdout).toContain(`fairlead rejections take-in ${kept.id}`)

  const taken = await fairlead('rejections', 'take-in', kept.id)
  expect([taken.code, taken.stdout]).toEqual([0, expect.stringMatching(/^evt_\w{26}\n$/)])
  const id = taken.stdout.trim()
  expect(id).not.toBe(first.id)
  await until(() => bodiesOf(id).length > 0, { what: 'the delivery' })
  const event = await until(async () => (await fairlead('events', id, '--json')).items[0], {
    what: 'the event in the log',
  })
  expect(event).toMatchObject({ source: 'github', type: 'push', secret: 'webhooks/github' })

  const again = await fairlead('rejections', 'take-in', kept.id)
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('[not_found]')])
  expect((await fairlead('rejections', '--json')).items).toEqual([])
  expect([bodiesOf(first.id), bodiesOf(id)]).toEqual([['{"ref":"first"}'], ['{"ref":"second"}']])
  // Two came again, of which one is an event of its own by now. A receiver adds repeats up for a second before it reports them.
  const repeats = async () => (await fairlead('events', first.id, '--json')).items[0].repeats
  await until(async () => (await repeats()).count >= 2, { what: 'the repeats in the log' })
  expect(await repeats()).toMatchObject({ count: 2 })
})

test('with files, a source that swallows new events is told of in the log, in a sentence', {
  timeout: 240_000,
}, async () => {
  const told = () => standalone.output.match(/.*RepeatsDiffer.*/)?.[0]
  for (let n = 2; n <= 9; n++) await post('one', `{"n":${n}}`)
  const hour = async () => (await fairlead('sources', '--json')).items[0].lastHour
  await until(async () => (await hour()).differing === 9, { what: 'the repeats in the log' })
  // One fewer than the threshold: whoever changes the file has all looked at again.
  const before = standalone.output.length
  await writeFile(file, manifest(sink.url, 'Nine'))
  await until(() => /reconciled .*tenant/.test(standalone.output.slice(before)), { what: 'the change' })
  expect(told()).toBeUndefined()
  await post('one', '{"n":10}')
  await until(async () => (await hour()).differing === 10, { what: 'the tenth in the log' })
  await writeFile(file, manifest(sink.url, 'Ten'))
  expect(await until(told, { what: 'a line that says so', deadlineMs: 45_000 })).toMatch(
    /^warn {2}operator organization\.ill organization=default\/tenant condition=SourcesHealthy reason=RepeatsDiffer detail=github: 10 of 13 requests of the last hour had the id of an event and another body, and were not delivered: fairlead rejections --source github/,
  )
})
