import { execFile } from 'node:child_process'
import { cp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { commandOf } from '@fairlead/servers/processes'
import { crowding } from '@fairlead/testbed/crowding'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { scratchFolder } from '@fairlead/testbed/scratch'
import {
  freeSettings,
  type RunningStandalone,
  type StandaloneSettings,
  startStandalone,
} from '@fairlead/testbed/standalone'
import { until } from '@fairlead/testbed/until'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** How long a start may take when programs and data are there already, in ms: the promise is 5 s. */
const secondStartMs = 5_000
const samples = join(import.meta.dirname, '..', 'k8s', 'samples')

interface ListedEvent {
  id: string
  status: string
}

/** How much longer a bare Node takes to start than on a usual machine, where that is 60 ms; 1 at least. */
async function slowness(): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < 3; i++) {
    const beganMs = performance.now()
    await promisify(execFile)(process.execPath, ['--eval', '0'])
    times.push(performance.now() - beganMs)
  }
  return Math.max(1, Math.min(...times) / 60)
}

/** Pastes the curl that was printed into a shell. */
async function paste({ output }: RunningStandalone): Promise<{ id: string; duplicate: boolean }> {
  const command = /^ {2}curl http[\s\S]*?--data-binary.*$/m.exec(output)?.[0]
  if (!command) throw new Error(`no curl in:\n${output}`)
  const { stdout } = await promisify(execFile)('sh', ['-c', `${command} --silent --show-error --max-time 60`])
  const answer = JSON.parse(stdout)
  if (!answer.id) throw new Error(`refused: ${stdout}`)
  return answer
}

async function eventOf(settings: StandaloneSettings, id: string): Promise<ListedEvent | undefined> {
  const key = (await readFile(join(settings.home, 'admin-key'), 'utf8')).trim()
  const response = await fetch(
    `http://127.0.0.1:${settings.apiPort}/api/v1/organizations/acme/events/${id}`,
    {
      headers: { authorization: `Bearer ${key}` },
    },
  )
  return response.ok ? ((await response.json()) as ListedEvent) : undefined
}

/** Waits until an event stands in the log as delivered to every destination. */
async function untilDelivered(settings: StandaloneSettings, id: string): Promise<void> {
  await until(async () => (await eventOf(settings, id))?.status === 'success', {
    deadlineMs: 60_000,
    what: `delivery of ${id}`,
  })
}

/** By the link that was printed: its page changes nothing, its button works once, and the owner sees the mails. */
async function signInAsOwner(output: string): Promise<void> {
  const link = new URL(/^ {2}(http\S+\/auth\/printed#token=\S+)$/m.exec(output)![1]!)
  const send = (path: string, init: RequestInit & { headers?: Record<string, string> } = {}) =>
    fetch(new URL(path, link), {
      redirect: 'manual',
      ...init,
      headers: { accept: 'text/html', 'sec-fetch-site': 'same-origin', ...init.headers },
    })
  const press = () =>
    send('/auth/printed', {
      method: 'POST',
      body: new URLSearchParams(link.hash.slice(1)),
    })
  const elsewhere = await send(link.href, { headers: { 'x-forwarded-for': '192.0.2.1' } })
  expect(elsewhere.status).toBe(404)
  for (let i = 0; i < 3; i++) expect(await (await send(link.href)).text()).toContain('Sign in as the owner')
  const pressed = await press()
  const cookie = pressed.headers.getSetCookie().map(line => line.split(';')[0])[0]!
  expect([pressed.status, (await press()).status]).toEqual([303, 401])
  expect((await send('/auth/mails')).status).toBe(401)
  expect((await send('/auth/mails', { headers: { cookie } })).status).toBe(200)
  const listed = await send('/api/v1/organizations', { headers: { cookie } })
  expect(await listed.text()).toContain('acme')
}

/** The servers that Fairlead runs. */
const servers = ['nats', 'postgres', 'redis', 'receiver', 'worker'] as const

/** The samples, with their destinations on this standalone's own echo. */
async function withSamples(folder: string): Promise<StandaloneSettings> {
  const settings = await freeSettings(join(folder, 'home'))
  const organizations = join(folder, 'organizations')
  await cp(samples, organizations, { recursive: true })
  const file = join(organizations, 'acme.yaml')
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replaceAll('127.0.0.1:8082', `127.0.0.1:${settings.echoPort}`))
  return { ...settings, organizations }
}

describe('by its launcher', () => {
  const opened = new AsyncDisposableStack()
  let settings: StandaloneSettings
  let standalone: RunningStandalone
  let id: string
  beforeAll(async () => {
    settings = await withSamples(opened.use(await scratchFolder()).path)
  })
  afterAll(() => opened.disposeAsync(), 60_000)
  const pidsOfAll = () => Promise.all([...servers, 'fairlead' as const].map(name => standalone.pidOf(name)))

  test('a first start takes a webhook, and stops in order', { timeout: 240_000 }, async () => {
    standalone = opened.use(startStandalone({ ...settings, by: 'start.mjs' }))
    await standalone.ready()
    // Behind it comes at most what the log has to tell.
    const lines = standalone.output.trimEnd().split('\n')
    expect(lines.findLast(line => !/^(?:info|warn|error) {1,2}\w/.test(line))).toBe('Fairlead is ready')
    expect((await stat(join(settings.home, 'admin-key'))).mode & 0o777).toBe(0o600)
    const answer = await paste(standalone)
    expect(answer).toMatchObject({ id: expect.stringMatching(/^evt_/), duplicate: false })
    id = answer.id
    await untilDelivered(settings, id)
    await signInAsOwner(standalone.output)
    const pids = await pidsOfAll()
    standalone.kill('SIGINT')
    expect(await standalone.exited).toBe(0)
    for (const pid of pids) await until(async () => (await commandOf(pid)) === undefined, { what: 'its end' })
  })

  test('a second start knows the event, and takes 5 s', { timeout: 240_000 }, async () => {
    standalone = opened.use(startStandalone({ ...settings, by: 'start.mjs' }))
    const startMs = await standalone.ready()
    await untilDelivered(settings, id)
    // The promise is for a machine with a free core. A bare Node takes longer both on a slow machine and on a crowded one.
    expect(startMs).toBeLessThan(secondStartMs * Math.max(crowding(), await slowness()))
  })

  test('a scrape has the metrics of all processes, each declared once and no series twice', async () => {
    const headers = { accept: 'application/openmetrics-text' }
    const text = await (await fetch(`http://127.0.0.1:${settings.metricsPort}/metrics`, { headers })).text()
    for (const part of ['receiver', 'worker', 'store', 'api']) expect(text).toContain(`\nfairlead_${part}_`)
    const lines = text.split('\n')
    const declared = lines.filter(line => line.startsWith('# TYPE '))
    expect(declared).toEqual([...new Set(declared)])
    const series = lines.filter(line => /^\w/.test(line)).map(line => line.split(' # {')[0]!)
    const names = series.map(line => line.slice(0, line.lastIndexOf(' ')))
    expect(names).toEqual([...new Set(names)])
  })

  test('when the launcher is killed, everything else stops too', { timeout: 240_000 }, async () => {
    const pids = await pidsOfAll()
    standalone.kill('SIGKILL')
    for (const pid of pids)
      await until(async () => (await commandOf(pid)) === undefined, { deadlineMs: 60_000 })
  })
})

describe('whatever is killed', () => {
  const opened = new AsyncDisposableStack()
  let settings: StandaloneSettings
  let standalone: RunningStandalone
  beforeAll(async () => {
    settings = await withSamples(opened.use(await scratchFolder()).path)
    standalone = opened.use(startStandalone(settings))
    await standalone.ready()
  }, 240_000)
  afterAll(() => opened.disposeAsync(), 60_000)

  test.each(servers)(
    'a %s that is killed is back soon, and webhooks go on',
    {
      timeout: 240_000,
    },
    async name => {
      const pid = await standalone.pidOf(name)
      process.kill(pid, 'SIGKILL')
      await until(async () => (await standalone.pidOf(name)) !== pid, {
        deadlineMs: 60_000,
        what: `a new ${name}`,
      })
      const { id } = await until(() => paste(standalone), { deadlineMs: 60_000 })
      await untilDelivered(settings, id)
    },
  )

  test('a worker that is frozen silences no other part, and one that is signalled by itself goes on', {
    timeout: 240_000,
  }, async () => {
    const worker = await standalone.pidOf('worker')
    const at = `http://127.0.0.1:${settings.metricsPort}`
    process.kill(worker, 'SIGSTOP')
    try {
      const text = await (await fetch(`${at}/metrics`, { signal: AbortSignal.timeout(60_000) })).text()
      expect(text).toContain('fairlead_receiver_')
      expect(text).toContain('fairlead_api_')
      expect(text).not.toContain('fairlead_worker_attempts_in_flight')
      await until(async () => (await fetch(`${at}/readyz`)).status === 503, { what: 'not ready' })
    } finally {
      process.kill(worker, 'SIGCONT')
    }
    process.kill(worker, 'SIGTERM')
    await until(async () => (await fetch(`${at}/readyz`)).ok, { deadlineMs: 60_000, what: 'ready again' })
    await untilDelivered(settings, (await paste(standalone)).id)
    expect(await standalone.pidOf('worker')).toBe(worker)
  })

  test('a nats-server that is frozen and then stopped is told, and Fairlead goes on when it is back', {
    timeout: 240_000,
  }, async () => {
    await untilDelivered(settings, (await paste(standalone)).id)
    const [fairlead, nats] = [await standalone.pidOf('fairlead'), await standalone.pidOf('nats')]
    const printed = standalone.output.length
    process.kill(nats, 'SIGSTOP')
    const readiness = `http://127.0.0.1:${settings.metricsPort}/readyz`
    await until(async () => !(await fetch(readiness)).ok, { deadlineMs: 60_000, what: 'not ready' })
    process.kill(nats, 'SIGTERM')
    process.kill(nats, 'SIGCONT')
    await until(async () => (await standalone.pidOf('nats')) !== nats, {
      deadlineMs: 60_000,
      what: 'a new nats-server',
    })
    const { id } = await until(() => paste(standalone), { deadlineMs: 60_000 })
    await untilDelivered(settings, id)
    expect(await standalone.pidOf('fairlead')).toBe(fairlead)
    await until(() => /server\.\w+.*nats/.test(standalone.output.slice(printed)), { what: 'a line on it' })
  })

  test('after kill -9 of Fairlead the next start recovers by itself and has lost nothing', {
    timeout: 240_000,
  }, async () => {
    const { id } = await paste(standalone)
    const pids = await Promise.all(servers.map(name => standalone.pidOf(name)))
    process.kill(await standalone.pidOf('fairlead'), 'SIGKILL')
    expect(await standalone.exited).toBe(128 + 9)
    for (const pid of pids)
      await until(async () => (await commandOf(pid)) === undefined, { deadlineMs: 60_000 })
    const again = opened.use(startStandalone(settings))
    await again.ready()
    await untilDelivered(settings, id)
    await untilDelivered(settings, (await paste(again)).id)
  })
})

test('two side by side do not disturb each other, and two on one home are refused', {
  timeout: 240_000,
}, async () => {
  await using first = await scratchFolder()
  await using second = await scratchFolder()
  await using database = await createTestDatabase()
  const settings = [
    await withSamples(first.path),
    { ...(await withSamples(second.path)), postgresUrl: database.url },
  ] as const
  await using one = startStandalone(settings[0])
  await using two = startStandalone(settings[1])
  await Promise.all([one.ready(), two.ready()])
  const { id } = await paste(one)
  await untilDelivered(settings[0], id)
  expect(await eventOf(settings[1], id)).toBeUndefined()

  const pid = await one.pidOf('fairlead')
  await using third = startStandalone({ ...(await freeSettings(settings[0].home)) })
  expect(await third.exited).toBe(1)
  expect(third.output).toBe(
    `another Fairlead (pid ${pid}) runs on ${settings[0].home}: stop it, or set FAIRLEAD_HOME to another folder\n`,
  )

  await using fourth = startStandalone({
    ...(await freeSettings(join(second.path, 'other'))),
    receiverPort: settings[0].receiverPort,
  })
  expect(await fourth.exited).toBe(1)
  expect(fourth.output).toBe(
    `port ${settings[0].receiverPort} is taken: set FAIRLEAD_RECEIVER_PORT to a free port, or stop what uses it\n`,
  )
})

test('a broken file is told with its line, and the others count', { timeout: 240_000 }, async () => {
  await using folder = await scratchFolder()
  await using database = await createTestDatabase()
  const settings = { ...(await withSamples(folder.path)), postgresUrl: database.url }
  await writeFile(join(settings.organizations!, 'broken.yaml'), 'apiVersion: v1\nkind: Secret\nmetadata: [\n')
  await using standalone = startStandalone(settings)
  await standalone.ready()
  await until(() => /broken\.yaml:\d+: is no valid YAML/.test(standalone.output), { what: 'its line' })
  await untilDelivered(settings, (await paste(standalone)).id)

  // The person who changes a file sees its result.
  expect(standalone.output).not.toContain('organization.reconciled')
  await rm(join(settings.organizations!, 'broken.yaml'))
  const file = join(settings.organizations!, 'acme.yaml')
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace(/displayName: .*/, 'displayName: Another Name'))
  await until(() => standalone.output.includes('files.mended'), { what: 'a line on the file that is gone' })
  await until(() => /info {2}operator organization\.reconciled .*acme/.test(standalone.output), {
    what: 'a line on the Organization that has changed',
  })
})

test.each([
  ['a port that is none', { FAIRLEAD_API_PORT: 'http' }, 78, /FAIRLEAD_API_PORT/],
  [
    'a folder that is not there',
    { FAIRLEAD_ORGANIZATIONS: '/nowhere' },
    1,
    /can't read \/nowhere.*FAIRLEAD_ORGANIZATIONS/,
  ],
  [
    'no server to be found',
    { PATH: '/nowhere', XDG_CACHE_HOME: '/dev/null' },
    1,
    /no (nats|redis)-server to run \(.*\): install/,
  ],
])('%s is told in one line', async (_name, env, code, line) => {
  await using folder = await scratchFolder()
  await using standalone = startStandalone(await freeSettings(join(folder.path, 'home')), env)
  expect(await standalone.exited).toBe(code)
  expect(standalone.output).toMatch(line)
})
