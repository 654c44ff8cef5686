import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { freePort } from '@fairlead/servers/processes'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { freeSettings, startStandalone } from '@fairlead/testbed/standalone'
import { until } from '@fairlead/testbed/until'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compileCache, type Ended, runHere } from './fixtures/run-here.ts'
import { runCommand } from './run-command.ts'

/*
 * The commands as a newcomer runs them, against `npm start` with the samples. Those that go on run in processes of their own, and
 * one that does not; the others run in this process.
 */

const main = join(import.meta.dirname, 'main.ts')
/** The machine's environment without the variables that would send the commands to another Fairlead. */
const bare = { PATH: process.env.PATH ?? '', NO_COLOR: '1', TZ: 'UTC' }

const fairlead = (env: Readonly<Record<string, string>>, ...args: string[]): Promise<Ended> =>
  runHere(() => runCommand(args), { ...bare, ...env })

/** A process of its own, as a person starts it. */
const start = (env: Readonly<Record<string, string>>, ...args: string[]) =>
  spawn(process.execPath, [main, ...args], { env: { ...bare, ...compileCache, ...env } })

/**
 * The samples, with their destinations on another port. Deliveries to `broken` end after two attempts with more between them than a
 * breaker counts as a row: an open breaker would let each test wait for probes, 10 s apart.
 */
async function copySamples(folder: string, echoPort: number): Promise<void> {
  await cp(join(import.meta.dirname, '..', 'k8s', 'samples'), folder, { recursive: true })
  const file = join(folder, 'acme.yaml')
  const text = (await readFile(file, 'utf8')).replaceAll(':8082/', `:${echoPort}/`)
  await writeFile(file, text.replace('delaysSeconds: [1, 2]\n', 'delaysSeconds: [3]\n'))
}

/** Signs in by the link that `npm start` printed, and agrees to what a tool asks for. */
async function approve(output: string, userCode: string): Promise<void> {
  const link = new URL(/^ {2}(http\S+\/auth\/printed#token=\S+)$/m.exec(output)![1]!)
  const post = (path: string, fields: Record<string, string>, cookie = '') =>
    fetch(new URL(path, link), {
      method: 'POST',
      redirect: 'manual',
      headers: { 'sec-fetch-site': 'same-origin', cookie },
      body: new URLSearchParams(fields),
    })
  const signedIn = await post('/auth/printed', { token: link.hash.replace('#token=', '') })
  const cookie = signedIn.headers.getSetCookie()[0]!.split(';')[0]!
  const decided = await post('/auth/device', { user_code: userCode, decision: 'approve' }, cookie)
  expect(await decided.text()).toContain('The tool is signed in')
}

const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())

describe('with nothing running', async () => {
  const scratch = opened.use(await scratchFolder())
  const keyFile = join(scratch.path, 'key')
  await writeFile(keyFile, 'key_live_test_only\n')
  const port = String(await freePort())
  const env = { FAIRLEAD_HOME: scratch.path, FAIRLEAD_API_PORT: port, FAIRLEAD_RECEIVER_PORT: port }

  test.each([
    ['events without a key', ['events'], 1, /npm start/],
    [
      'events',
      ['events', '--key-file', keyFile],
      1,
      /Nothing answers at http:\/\/localhost:\d+\. .*npm start/,
    ],
    ['send', ['send', 'stripe'], 1, /Nothing answers at http:\/\/localhost:\d+\. .*npm start/],
    ['seed', ['seed', '--store-url', `http://127.0.0.1:${port}`], 1, /npm start/],
    ['a mistyped provider', ['send', 'strpe'], 1, /Did you mean stripe\?/],
    ['a provider that nobody can sign for', ['send', 'paypal'], 1, /Only PayPal has the key/],
    ['a remote API without a key', ['events', '--url', 'https://fairlead.example'], 1, /needs an API key/],
    [
      'no secret for another address',
      ['send', 'stripe', '--url', 'https://fairlead.example/x'],
      1,
      /--secret-file/,
    ],
    ['an option that is not known', ['events', '--sauce', 'x'], 2, /--sauce/],
    ['a count out of range', ['send', 'stripe', '--count', '0'], 2, /1 to 100000/],
    ['a destination that is not named', ['destinations', 'pause'], 2, /Which destination/],
    ['a verb that is not there', ['destinations', 'stop', 'billing'], 2, /pause, resume, not stop/],
    ['a secret of no rejection', ['rejections', 'take-secret'], 2, /Which rejection/],
    ['two rejections', ['rejections', '1', '2'], 2, /not also 2/],
    ['a source that is not named', ['sources', 'rotate'], 2, /Which source/],
    [
      'a secret in an argument',
      ['destinations', 'create', 'x', '--header-file', 'test-only'],
      2,
      /NAME=FILE/,
    ],
    ['a setting without its value', ['routes', 'create', '--set', 'source'], 2, /--set takes NAME=VALUE/],
    ['a command that is not there', ['evnts'], 2, /no command evnts/],
  ])('%s: says what to do', async (_name, args, code, sentence) => {
    const ended = await fairlead(env, ...args)
    expect(ended.stderr).toMatch(sentence)
    expect(ended.stderr).not.toContain('    at ')
    expect(ended.code).toBe(code)
  })
})

describe('with npm start', () => {
  let env: Record<string, string>
  let output: string
  const run = (...args: string[]) => fairlead(env, ...args)
  const json = async (...args: string[]) =>
    (await run(...args, '--json')).stdout
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line))

  beforeAll(async () => {
    const home = opened.use(await scratchFolder()).path
    const organizations = opened.use(await scratchFolder()).path
    const { url: postgresUrl } = opened.use(await createTestDatabase())
    const settings = { ...(await freeSettings(home)), organizations, postgresUrl }
    await copySamples(organizations, settings.echoPort)
    const standalone = opened.use(startStandalone(settings))
    await standalone.ready()
    output = standalone.output
    env = {
      FAIRLEAD_HOME: home,
      FAIRLEAD_ORGANIZATIONS: organizations,
      FAIRLEAD_API_PORT: String(settings.apiPort),
      FAIRLEAD_RECEIVER_PORT: String(settings.receiverPort),
    }
  }, 240_000)

  test.each(['stripe', 'github', 'shopify', 'slack', 'standard-webhooks', 'custom'])(
    'send %s just works',
    async name => {
      const { code, stdout, stderr } = await run('send', name)
      expect(stderr).toBe('')
      expect(stdout).toMatch(/^200 {2}evt_\w{26} {2}\d+ ms\n$/)
      expect(code).toBe(0)
    },
  )

  test('a process of its own prints an answer and ends with the exit code', async () => {
    const child = start(env, 'send', 'stripe', '--secret', 'whsec_test_only_another')
    const printed = text(child.stdout)
    expect(await once(child, 'close')).toEqual([1, null])
    expect(await printed).toMatch(/^401 {2}signature_mismatch/)
  })

  test('a repeated request is one event', async () => {
    const answers = await json('send', 'stripe', '--same', '--count', '3')
    expect(answers.map(({ duplicate }) => duplicate).sort()).toEqual([false, true, true])
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1)
  })

  test('many answers are summed up', async () => {
    const { stdout } = await run('send', 'stripe', '--count', '40', '--rate', '400')
    expect(stdout).toMatch(/^40 sent in .* 40 accepted, 0 duplicates, 0 refused/)
  })

  test('a wrong secret is refused, and the rejections say why', async () => {
    const { code, stdout } = await run('send', 'stripe', '--secret', 'whsec_test_only_another')
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^401 {2}signature_mismatch/)])
    await until(async () => (await run('rejections')).stdout.includes('signature_mismatch'), {
      what: 'the rejection',
    })
  })

  test('an event is in the log, delivered, and fits 80 columns and fewer', async () => {
    const [{ id }] = await json('send', 'github')
    await until(async () => (await json('events', id))[0]?.status === 'success', { what: 'delivery' })
    for (const columns of ['120', '80', '60']) {
      const { stdout } = await fairlead({ ...env, COLUMNS: columns }, 'events')
      expect(stdout).toContain(id)
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(Number(columns))
    }
    const { stdout } = await run('events', id)
    // The sample's push fails twice at `flaky`, and is then taken.
    expect(stdout).toMatch(/to flaky {2}delivered/)
    expect(stdout).toMatch(/ 1 {2}\S+ {2}destination_failed {2}HTTP 5\d\d/)
    expect(stdout).toMatch(/ 3 {2}\S+ {2}delivered {2}HTTP 200/)
    expect(stdout).toMatch(/x-hub-signature-256: sha256=/)
  })

  test('filters reach the API', async () => {
    const events = await json('events', '--source', 'shopify', '--limit', '5')
    expect(new Set(events.map(({ source }) => source))).toEqual(new Set(['shopify']))
    const { code, stderr } = await run('events', '--status', 'done')
    expect([code, stderr]).toEqual([1, expect.stringContaining('status')])
  })

  test('a dead letter is listed, retried and discarded', { timeout: 240_000 }, async () => {
    const [{ id }] = await json('send', 'slack')
    const find = async () => (await json('dead-letters')).find(({ eventId }) => eventId === id)
    const letter = await until(find, { what: 'a dead letter', deadlineMs: 60_000 })
    expect(letter).toMatchObject({ destination: 'broken', attemptCount: 2, reason: 'attempts_exhausted' })
    expect((await run('retry', id)).stdout).toContain('is delivered again to broken')
    await until(async () => (await find())?.attemptCount === 4, {
      what: 'two attempts more',
      deadlineMs: 60_000,
    })
    const { code, stdout } = await run('dead-letters', 'discard', letter.id, '--reason', 'a test')
    expect([code, stdout]).toEqual([0, expect.stringContaining('is discarded')])
    expect(await find()).toBeUndefined()
    expect((await run('events', id)).stdout).toContain('discarded: a test')
  })

  test('a Replay says how many, asks, and delivers exactly those', { timeout: 240_000 }, async () => {
    const [{ id }] = await json('send', 'shopify')
    // Those of the tests before count as well.
    const ofShopify = await until(
      async () => {
        const listed = await json('events', '--source', 'shopify')
        const isDone =
          listed.some(event => event.id === id) && listed.every(({ status }) => status === 'success')
        return isDone && listed
      },
      { what: 'the deliveries of all events of Shopify' },
    )
    const { type } = ofShopify.find(event => event.id === id)
    const filters = ['--source', 'shopify', '--type', type, '--state', 'delivered']
    const [dry] = await json('replay', ...filters, '--dry-run')
    expect(dry).toMatchObject({ id: null, expired: 0 })
    expect((await run('replay', ...filters, '--dry-run')).stdout).toMatch(
      new RegExp(`^${dry.matched} deliver(y|ies) of ${dry.matchedEvents} events?, 50 a second`),
    )
    const unasked = await run('replay', ...filters)
    expect([unasked.code, unasked.stderr]).toEqual([1, expect.stringContaining('--yes')])
    const [started] = await json('replay', ...filters, '--yes')
    const ended = await until(
      async () => {
        const [found] = await json('replay', 'show', started.id)
        return found.state === 'completed' && found.delivered + found.failed === found.published && found
      },
      { what: 'the end of the Replay', deadlineMs: 30_000 },
    )
    expect(ended.published).toBe(dry.matched)
    expect((await run('replay', 'show', started.id)).stdout).toContain(
      `made       ${dry.matched} of ${dry.matched}`,
    )
    expect((await run('replay', 'list')).stdout).toMatch(new RegExp(`${started.id} +completed`))
    const again = await run('replay', 'cancel', started.id)
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('conflict')])
    expect((await run('replay', 'pause')).code).toBe(2)
  })

  test('dead letters are tried again and discarded by filter', { timeout: 240_000 }, async () => {
    const [{ id }] = await json('send', 'slack')
    const find = async () => (await json('dead-letters', '-n', '500')).find(({ eventId }) => eventId === id)
    const letter = await until(find, { what: 'a dead letter', deadlineMs: 60_000 })
    const filters = ['--destination', 'broken', '--type', letter.type, '--died-of', 'attempts_exhausted']
    const [planned] = await json('retries', 'create', letter.id, '--dry-run')
    expect(planned).toMatchObject({ state: 'planned', planned: 1, first: [letter.id] })
    expect((await run('dead-letters', 'retry')).code).toBe(2)
    const [counted] = await json('dead-letters', 'retry', ...filters, '--dry-run')
    expect(counted.matched).toBeGreaterThan(0)
    const [started] = await json('dead-letters', 'retry', ...filters, '--yes')
    await until(async () => (await find())?.attemptCount >= 4, {
      what: 'two attempts more',
      deadlineMs: 60_000,
    })
    await until(async () => (await json('replay', 'show', started.id))[0].failed > 0, {
      what: 'its failure in the Replay',
    })
    // It was tried otherwise meanwhile, so what was planned leaves it out.
    expect((await run('retries', 'start', planned.id)).stdout).toContain(planned.id)
    await until(async () => (await json('retries', 'show', planned.id))[0].state === 'completed', {
      what: 'the end of the retry',
      deadlineMs: 30_000,
    })
    expect((await run('retries', 'show', planned.id)).stdout).toContain('made       0 of 1, 1 passed over')
    const unasked = await run('dead-letters', 'discard', ...filters, '--reason', 'a test')
    expect([unasked.code, unasked.stderr]).toEqual([1, expect.stringContaining('--yes')])
    const { stdout } = await run('dead-letters', 'discard', ...filters, '--reason', 'a test', '--yes')
    expect(stdout).toMatch(/^[1-9]\d* are discarded/)
    expect(await find()).toBeUndefined()
  })

  test('deliveries that wait can be listed', async () => {
    const { code, stderr } = await run('deliveries', '--type', 'nothing.of.this.type')
    expect([code, stderr]).toEqual([0, 'No delivery waits.\n'])
    const absent = await run('deliveries', 'retry', 'dlv_00000000000000000000000000')
    expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining('[not_found]')])
  })

  test('a destination is paused and resumed, and the list fits 80 columns and fewer', async () => {
    expect((await run('destinations', 'pause', 'healthy')).stdout).toMatch(
      /^healthy is paused \(asked\); \d+ /,
    )
    const [{ id }] = await json('send', 'stripe')
    const waits = async () =>
      (await json('destinations')).find(({ name, waiting }) => name === 'healthy' && waiting > 0)
    const paused = await until(waits, { what: 'a delivery that waits', deadlineMs: 60_000 })
    expect(paused).toMatchObject({ kind: 'http', state: 'paused', pauseReason: 'asked' })
    for (const columns of ['120', '80', '60', '40']) {
      const { stdout } = await fairlead({ ...env, COLUMNS: columns }, 'destinations')
      expect(stdout).toMatch(/^healthy +paused: asked +[1-9]/m)
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(Number(columns))
    }
    expect((await run('destinations', 'resume', 'healthy')).stdout).toMatch(/^healthy gets its deliveries; /)
    await until(async () => (await json('events', id))[0]?.status === 'success', { what: 'delivery' })
    const absent = await run('destinations', 'pause', 'nowhere')
    expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining('[not_found]')])
  })

  test('sources say which secret still matches, and how often', async () => {
    const matched = async () =>
      (await json('sources')).find(({ name }) => name === 'github').secrets[0].matched
    const before = await matched()
    const [{ id }] = await json('send', 'github')
    await until(async () => (await matched()) > before, { what: `the count with ${id}` })
    for (const columns of ['120', '80', '60']) {
      const { stdout } = await fairlead({ ...env, COLUMNS: columns }, 'sources')
      expect(stdout).toMatch(/^github +github +\S+ +[1-9]\d* +\d+ (s|min) ago/m)
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(Number(columns))
    }
  })

  test('retries say what there is to try, and ask', async () => {
    expect((await run('retries', 'create', '--type', 'none.such', '--yes')).stdout).toBe('Nothing fits.\n')
    expect((await run('retries', 'create')).code).toBe(2)
    expect((await run('retries', 'create', 'dlv_00000000000000000000000000', '--all')).code).toBe(2)
    const absent = await run('retries', 'show', 'rty_00000000000000000000000000')
    expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining('[not_found]')])
  })

  test('what an organization is told is said, changed in part, and ended', async () => {
    expect((await run('notifications')).stdout).toContain('Nothing is told')
    expect((await run('notifications', 'set')).code).toBe(2)
    const set = ['notifications', 'set', '--to', 'healthy', '--type', 'issue.opened']
    expect((await run(...set, '--dry-run')).stdout).toContain('destination: – → "healthy"')
    expect((await run(...set)).stdout).toBe('Told to healthy.\n')
    expect((await run('notifications', 'set', '--silent', 'github=2h')).stdout).toBe('Told to healthy.\n')
    const shown = (await run('notifications')).stdout
    expect(shown).toMatch(/^to +healthy\ntypes +issue.opened\nsilent +github after 7200 s\n$/)
    expect((await run('notifications', 'set', '--type', 'no.such')).code).toBe(1)
    expect((await run('notifications', 'off')).stdout).toBe('Nothing is told.\n')
  })

  test('a key is made with scope and end, used, rotated and revoked', async () => {
    const made = await run(
      'keys',
      'create',
      'ci',
      '--role',
      'viewer',
      '--scope',
      'events:read',
      '--expires',
      '30d',
    )
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^sk_live_fl_\S+\n$/) })
    const using = ({ stdout }: Ended, ...args: string[]) =>
      fairlead({ ...env, FAIRLEAD_API_KEY: stdout.trim() }, ...args, '-o', 'acme')
    expect((await using(made, 'events')).code).toBe(0)
    expect((await using(made, 'keys')).stderr).toContain('[forbidden]')
    const listed = (await json('keys')).find(({ name }) => name === 'ci')
    expect(listed).toMatchObject({ role: 'viewer', scopes: ['events:read'] })
    expect(new Date(listed.expiresAt).getTime() - Date.now()).toBeGreaterThan(29 * 86_400_000)
    for (const columns of ['120', '80', '60', '40']) {
      const { stdout } = await fairlead({ ...env, COLUMNS: columns }, 'keys')
      expect(stdout).toMatch(/^ci +viewer/m)
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(Number(columns))
    }
    const rotated = await run('keys', 'rotate', 'ci', '--overlap', '0s')
    expect((await using(rotated, 'events')).code).toBe(0)
    expect((await using(made, 'events')).stderr).toContain("doesn't accept the key from $FAIRLEAD_API_KEY")
    const unasked = await run('keys', 'revoke', 'ci')
    expect([unasked.code, unasked.stderr]).toEqual([1, expect.stringContaining('--yes')])
    expect((await run('keys', 'revoke', 'ci', '--yes')).stdout).toBe('ci is useless now.\n')
    expect((await using(rotated, 'events')).code).toBe(1)
    expect((await run('keys', 'revoke', 'ci', '--yes')).stderr).toContain('There is no key ci')
  })

  test('people are invited, listed and uninvited', async () => {
    expect((await run('members', 'invite', 'Ada@example.com', '--role', 'viewer')).stdout).toMatch(
      /^ada@example.com is invited as viewer, until 20\d\d-/,
    )
    expect((await run('members')).stdout).toMatch(/^ada@example.com +viewer +invited$/m)
    const wrong = await run('members', 'invite', 'bob@example.com', '--role', 'king')
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('role')])
    expect((await run('members', 'uninvite', 'ada@example.com')).stdout).toContain('invited no longer')
    expect((await run('members', 'remove', 'ada@example.com')).stderr).toContain('Nobody with the address')
    expect((await run('members', 'promote')).code).toBe(2)
  })

  test('the audit log is listed, and verified against an end that was noted', {
    timeout: 240_000,
  }, async () => {
    for (const columns of ['120', '80', '60', '40']) {
      const { stdout } = await fairlead({ ...env, COLUMNS: columns }, 'audit')
      expect(stdout).toMatch(/organization\.crea/)
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(Number(columns))
    }
    const { code, stdout } = await run('audit', 'verify')
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^intact: \d+ entr\w+, as they were written\nend: /),
    ])
    const [seq] = /\d+(?=:[0-9a-f]{64})/.exec(stdout)!
    const forged = await run('audit', 'verify', '--noted', `${seq}:${'a'.repeat(64)}`)
    expect([forged.code, forged.stdout]).toEqual([1, expect.stringContaining(`  edited     entry ${seq}  `)])
    expect((await run('audit', 'verify', '--platform')).stdout).toMatch(/^intact: /)
  })

  test('a source, a destination and a route are made, tried, rotated and deleted; what a file declares is told where', async () => {
    const scratch = opened.use(await scratchFolder())
    const secret = join(scratch.path, 'secret')
    await writeFile(secret, 'test-only-first\n')
    const lines: string[] = []
    const ok = async (...args: string[]) => {
      const { code, stdout, stderr } = await run(...args)
      expect([code, stderr], args.join(' ')).toEqual([0, ''])
      lines.push(stdout)
      return stdout
    }
    expect(await ok('sources', 'create', 'own', '-p', 'github', '--secret-file', secret)).toMatch(/\/own\.$/m)
    await ok('destinations', 'create', 'mine', '--set', 'url=https://mine.example/', '--bearer-file', secret)
    const made = await ok('routes', 'create', '--source', 'own', '--type', 'push', '--to', 'mine')
    const [route = ''] = /rte_\w+/.exec(made) ?? []
    expect(await ok('routes', 'preview', '--source', '*')).toMatch(/^\d+ of the last \d+ events/)
    await writeFile(secret, 'test-only-second\n')
    await ok('sources', 'rotate', 'own', '--secret-file', secret, '--secret-id', 'second')
    const [own] = (await json('sources')).filter(({ name }) => name === 'own')
    expect(own.secrets.map(({ id }: { id: string }) => id)).toEqual(['second', expect.any(String)])
    await ok('sources', 'rotate', 'own', '--drop', own.secrets[1].id)
    const rehearsed = await run('destinations', 'update', 'mine', '--set', 'timeoutSeconds=5', '--dry-run')
    expect(rehearsed.stdout).toMatch(/timeoutSeconds: 15 → 5/)
    const inUse = await run('sources', 'delete', 'own', '--yes')
    expect([inUse.code, inUse.stderr]).toEqual([1, expect.stringContaining(route)])
    const asked = await run('routes', 'delete', route)
    expect([asked.code, asked.stderr]).toEqual([1, expect.stringContaining('--yes')])
    await ok('routes', 'delete', route, '--yes')
    await ok('destinations', 'delete', 'mine', '--yes')
    await ok('sources', 'delete', 'own', '--yes')
    const declared = await run('sources', 'update', 'stripe', '--set', 'rateLimit.perSecond=5')
    expect([declared.code, declared.stderr]).toEqual([1, expect.stringContaining('perSecond: 5')])
    expect(declared.stderr).toContain('[managed_by_kubernetes]')
    expect(lines.join()).not.toContain('test-only')
  })

  test('a test of a destination shows the exchange, and fails where it was not delivered', async () => {
    const healthy = await run('destinations', 'test', 'healthy')
    expect([healthy.code, healthy.stdout]).toEqual([
      0,
      expect.stringMatching(/^healthy: delivered \(200\) in/),
    ])
    expect(healthy.stdout).toMatch(/^> fairlead-trigger: test$/m)
    expect(healthy.stdout).toMatch(/^< HTTP\/1\.1 200/m)
    await run('destinations', 'create', 'nowhere', '--set', 'url=https://169.254.169.254/')
    expect((await run('destinations', 'test', 'nowhere')).code).toBe(1)
    await run('destinations', 'delete', 'nowhere', '--yes')
  })

  test('--follow shows new events', async () => {
    const child = start(env, 'events', '--follow', '--json')
    try {
      let seen = ''
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => (seen += chunk))
      await until(() => seen !== '', { what: 'the first page' })
      const [{ id }] = await json('send', 'stripe')
      await until(() => seen.includes(id), { what: 'the new event' })
    } finally {
      child.kill('SIGINT')
      await once(child, 'close')
    }
  })

  test('tail shows what comes, and an export has it', async () => {
    const child = start(env, 'tail', '--json', '--limit', '1')
    const shown = text(child.stdout)
    await until(async () => {
      await json('send', 'stripe')
      return child.exitCode !== null
    })
    const { id } = JSON.parse(await shown)
    expect((await json('export')).map(line => line.id ?? line.trailer.next)).toContain(id)
    expect((await run('issues')).code).toBe(0)
  })

  test('a fortnight is seeded once', async () => {
    const { code, stdout, stderr } = await run('seed', '--events', '60', '--seed', 'test')
    expect(stderr.split('\n').filter(line => line && !/keeps events/.test(line))).toEqual([])
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^60 events in the log of acme, in/)])
    expect((await run('seed', '--events', '60', '--seed', 'test')).stdout).toMatch(
      /^0 events .*60 were there already/,
    )
    const listed = await json('events', '--limit', '1000')
    expect(listed.length).toBeGreaterThan(60)
  })

  test('login signs the machine in as a person, whoami says so, and logout ends it', async () => {
    const folder = opened.use(await scratchFolder()).path
    // No key of npm start is found there.
    const own = { ...env, FAIRLEAD_HOME: folder, XDG_CONFIG_HOME: folder }
    const child = start(own, 'login')
    let shown = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (shown += chunk))
    const ended = once(child, 'close')
    await until(() => /^ {2}\w{4}-\w{4}$/m.test(shown), { what: 'the code' })
    await approve(output, /^ {2}(\w{4}-\w{4})$/m.exec(shown)![1]!)
    expect((await ended)[0]).toBe(0)
    expect((await stat(join(folder, 'fairlead', 'credentials.json'))).mode & 0o777).toBe(0o600)
    expect((await fairlead(own, 'whoami')).stdout).toMatch(/^owner@localhost\n/)
    expect((await fairlead(own, 'members', '-o', 'acme')).code).toBe(0)
    expect((await fairlead(own, 'logout')).code).toBe(0)
    const after = await fairlead(own, 'whoami')
    expect([after.code, after.stderr]).toEqual([1, expect.stringContaining('No API key was found')])
  }, 240_000)

  test('an id that is not there, and a key that is not known', async () => {
    const absent = await run('events', 'evt_00000000000000000000000000')
    expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining('[not_found]')])
    const refused = await fairlead({ ...env, FAIRLEAD_API_KEY: 'key_live_nonsense' }, 'events')
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('$FAIRLEAD_API_KEY')])
  })
})
