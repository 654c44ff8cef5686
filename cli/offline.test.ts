import { spawnSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { allProviders } from '@fairlead/webhook/providers/table'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runHere } from './fixtures/run-here.ts'
import { runCommand } from './run-command.ts'

/*
 * The commands that need no server. A few run as a user runs them, in a process of their own; the others run in this
 * process, because starting node and loading the schemes takes longer than any of these commands.
 */

const main = new URL('main.ts', import.meta.url).pathname
const vectors = new URL('../packages/webhook/vectors/', import.meta.url).pathname
const body = '{"id":"evt_1","type":"invoice.paid"}'
const secret = 'whsec_for_tests_only'
const time = 1_760_000_000
const signature = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')
const header = `Stripe-Signature: t=${time},v1=${signature}`
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-cli-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs a command as a user does. */
function spawned(args: readonly string[], input: string | Uint8Array) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    input,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
  return { status, stdout, stderr }
}

/** Runs a command in this process. `input` is the body that `verify` would read from standard input. */
async function fairlead(
  args: readonly string[],
  input: string | Uint8Array = '',
  env: Record<string, string> = {},
) {
  const readsBody = args[0] === 'verify' && !args.includes('--vectors') && !args.includes('--help')
  const own = readsBody ? [...args, '--body', aFile('body', input)] : args
  const { code, stdout, stderr } = await runHere(() => runCommand(own), { NO_COLOR: '1', ...env })
  return { status: code, stdout, stderr }
}

function aFile(name: string, text: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

describe('fairlead verify', () => {
  const asStripe = ['verify', '--provider', 'stripe', '-H', header, '--now', String(time)]

  test('exits with 0 for a valid signature, and says what the event is', async () => {
    const { status, stdout } = spawned([...asStripe, '--secret', secret], body)
    expect(stdout).toBe('valid  type invoice.paid  id evt_1\n')
    expect(status).toBe(0)
  })

  test('takes secrets from a file and from the environment', async () => {
    const file = aFile('secret', `${secret}\n`)
    expect((await fairlead([...asStripe, '--secret-file', file], body)).status).toBe(0)
    expect((await fairlead(asStripe, body, { FAIRLEAD_SECRET: secret })).status).toBe(0)
  })

  test('says which of several secrets matched', async () => {
    const { stdout } = await fairlead([...asStripe, '--secret', 'old', '--secret', secret], body)
    expect(stdout).toContain('secret 2 of 2')
  })

  test.each([
    ['another body', [...asStripe, '--secret', secret], `${body} `, 'invalid  signature_mismatch'],
    [
      'a late clock',
      [...asStripe.slice(0, -1), String(time + 301), '--secret', secret],
      body,
      'timestamp_out_of_tolerance',
    ],
    ['no signature', ['verify', '-p', 'stripe', '--secret', secret], body, 'invalid  signature_missing'],
  ])('exits with 1 and the reason for %s', async (_title, args, input, part) => {
    const { status, stdout } = await fairlead(args, input)
    expect(stdout).toContain(part)
    expect(status).toBe(1)
  })

  test('reads the body as bytes', async () => {
    const bytes = Buffer.from([0x7b, 0xff, 0x00, 0x7d])
    const right = createHmac('sha256', secret).update(bytes).digest('hex')
    const args = ['verify', '-p', 'github', '--secret', secret, '-H', `x-hub-signature-256: sha256=${right}`]
    expect(spawned(args, bytes).status).toBe(0)
  })

  test('passes the public URL and options on', async () => {
    const url = 'https://example.com/hook'
    const right = createHmac('sha256', secret)
      .update(url + body)
      .digest('base64')
    const args = [
      'verify',
      '-p',
      'square',
      '--secret',
      secret,
      '-H',
      `x-square-hmacsha256-signature: ${right}`,
    ]
    expect((await fairlead([...args, '--url', url], body)).status).toBe(0)
    expect((await fairlead([...args, '--url', `${url}/`], body)).status).toBe(1)
    expect((await fairlead(['verify', '-p', 'mollie'], body)).status).toBe(2)
    expect((await fairlead(['verify', '-p', 'mollie', '--option', 'acceptUnsigned=true'], body)).status).toBe(
      0,
    )
  })

  test.each([
    ['an unknown option', ['verify', '--nope']],
    ['no provider', ['verify']],
    ['an unknown provider', ['verify', '-p', 'strpie', '--secret', 'x']],
    ['no secret', ['verify', '-p', 'stripe']],
    ['a header without a colon', [...asStripe, '--secret', 'x', '-H', 'nonsense']],
    ['a clock that is none', ['verify', '-p', 'stripe', '--secret', 'x', '--now', 'soon']],
  ])('exits with 2 for %s', async (_title, args) => {
    const { status, stdout, stderr } = await fairlead(args, body)
    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).not.toContain('    at ')
  })

  test.each(['provider-vectors.json', 'handshakes.json'])('checks the vectors of %s', async name => {
    const entries = JSON.parse(readFileSync(vectors + name, 'utf8')).length
    const { status, stdout } = await fairlead(['verify', '--vectors', vectors + name])
    expect(stdout.trim().split('\n').at(-1)).toBe(`${entries} passed, 0 failed`)
    expect(status).toBe(0)
  })

  test('names the vectors that fail, and exits with 1', async () => {
    const wrong = { id: 'wrong', provider: 'github', expected: 'valid', secret, headers: {}, body: '' }
    const unknown = { id: 'unknown', provider: 'no-such', expected: 'invalid', secret, headers: {}, body: '' }
    const { status, stdout } = await fairlead([
      'verify',
      '--vectors',
      aFile('wrong.json', JSON.stringify([wrong, unknown])),
    ])
    expect(stdout).toContain('github wrong: expected valid, found signature_missing')
    expect(stdout).toContain('no-such unknown: unknown_provider')
    expect(stdout.trim().split('\n').at(-1)).toBe('0 passed, 2 failed')
    expect(status).toBe(1)
  })
})

describe('fairlead explain', () => {
  const request = (changes: object) =>
    aFile(
      'request.json',
      JSON.stringify({
        headers: { 'Stripe-Signature': header.slice('Stripe-Signature: '.length) },
        body,
        now: time,
        source: { provider: 'stripe', secrets: [secret] },
        ...changes,
      }),
    )

  test.each([
    ['a newline', { body: `${body}\n` }, 'newline'],
    ['a clock', { now: time + 412 }, '412 s ago'],
    [
      'another source',
      {
        source: { provider: 'stripe', secrets: ['x'] },
        others: [{ name: 'eu', provider: 'stripe', secrets: [secret] }],
      },
      'source eu',
    ],
  ])('finds %s', async (_title, changes, part) => {
    const { status, stdout } = await fairlead(['explain', request(changes)])
    expect(stdout).toContain(part)
    expect(stdout).not.toContain(secret)
    expect(status).toBe(1)
  })

  test('has nothing to say about a valid request', async () => {
    expect(await fairlead(['explain', request({})])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('valid'),
    })
  })
})

describe('fairlead providers', () => {
  test('lists every scheme with its proof', async () => {
    const { status, stdout } = await fairlead(['providers'])
    const schemes = allProviders()
    const providers = schemes.filter(({ variantOf }) => variantOf === undefined)
    expect(stdout).toContain(`${providers.length} providers, ${schemes.length} schemes`)
    expect(stdout.split('\n').filter(line => /\b(run|vectors|read|memory)\b/.test(line))).toHaveLength(
      schemes.length,
    )
    expect(status).toBe(0)
  })

  test('says all about one, and guesses at a mistyped name', async () => {
    expect((await fairlead(['providers', 'stripe'])).stdout).toContain('# Stripe')
    expect(await fairlead(['providers', 'strpie'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('stripe?'),
    })
  })
})

describe('fairlead scheme test', () => {
  const scheme = (changes: object) =>
    aFile(
      'scheme.json',
      JSON.stringify({
        header: 'x-sig',
        algorithm: 'hmac-sha256',
        content: ['{body}'],
        tests: [
          {
            expected: 'valid',
            secret,
            headers: { 'X-Sig': createHmac('sha256', secret).update(body).digest('hex') },
            body,
          },
          { name: 'unsigned', expected: 'invalid', reason: 'signature_missing', secret, headers: {}, body },
        ],
        ...changes,
      }),
    )

  test.each<[string, object, number, string]>([
    ['one that holds', {}, 0, '2 passed, 0 failed'],
    ['one with another key', { key: 'base64' }, 1, 'failed'],
    ['one without tests', { tests: [] }, 1, 'expected: valid'],
    ['one with a fault', { algorithm: 'md5' }, 1, 'algorithm'],
  ])('%s', async (_title, changes, status, part) => {
    const found = await fairlead(['scheme', 'test', scheme(changes)])
    expect(found.stdout + found.stderr).toContain(part)
    expect(found.status).toBe(status)
  })
})

test.each<[string, readonly string[], string, string]>([
  ['no vectors', ['verify', '--vectors'], '[]', 'holds no vectors'],
  ['vectors that are none', ['verify', '--vectors'], '{"a":1}', 'holds no vectors'],
  ['a scheme that is a list', ['scheme', 'test'], '[]', 'holds no scheme'],
  ['a request that is a list', ['explain'], '[]', 'holds no request'],
  ['half a file', ['verify', '--vectors'], '[', "can't be read"],
])('a file with %s is refused with a sentence', async (_title, args, text, part) => {
  const found = await fairlead([...args, aFile('odd.json', text)])
  expect(found).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining(part) })
  expect(found.stderr).not.toContain('    at ')
})

test('a file that is not there is told so', async () => {
  expect(await fairlead(['explain', join(folder, 'none.yaml')])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('there is no such file'),
  })
})

test('a header given as a list is one header', async () => {
  const headers = { 'Stripe-Signature': [header.slice('Stripe-Signature: '.length)] }
  const source = { provider: 'stripe', secrets: [secret] }
  const file = aFile('list.json', JSON.stringify({ headers, body, now: time, source }))
  expect(await fairlead(['explain', file])).toMatchObject({ status: 0 })
})

test('help lists the commands, and an unknown one is a usage fault', async () => {
  expect(await fairlead(['help'])).toMatchObject({ status: 0, stdout: expect.stringContaining('verify') })
  expect(await fairlead(['nope'])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('fairlead help'),
  })
  expect(await fairlead(['verify', '--help'])).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('--vectors'),
  })
})
