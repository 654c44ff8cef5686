import { describe, expect, test } from 'vitest'
import { explain } from './explain.ts'
import { openPace } from './explain-pace.ts'
import { sampleRequest } from './sample-request.ts'
import type { SchemeConfig, WebhookRequest } from './scheme.ts'

const nowMs = 1_760_000_000_000
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const random = () => 0.4

function signed(
  provider: string,
  overrides: Partial<Parameters<typeof sampleRequest>[1]> = {},
): WebhookRequest {
  return sampleRequest(provider, { secret, nowMs, random, ...overrides })
}

function source(provider: string, overrides: Partial<SchemeConfig> = {}): SchemeConfig {
  return { provider, secrets: [secret], ...overrides }
}

function changed(request: WebhookRequest, change: (text: string) => string): WebhookRequest {
  return { ...request, body: Buffer.from(change(Buffer.from(request.body).toString())) }
}

async function firstCause(
  request: WebhookRequest,
  config: SchemeConfig,
  others: Parameters<typeof explain>[2] = [],
  atMs = nowMs,
) {
  const { verdict, causes } = await explain(request, config, others, atMs)
  expect(verdict?.kind).not.toBe('valid')
  return causes[0]!
}

test('a valid request has no cause', async () => {
  expect(await explain(signed('stripe'), source('stripe'), [], nowMs)).toEqual({
    verdict: { kind: 'valid', secret: 0 },
    causes: [],
  })
})

test('a clock that is wrong by 412 s is told so', async () => {
  const cause = await firstCause(signed('stripe'), source('stripe'), [], nowMs + 412_000)
  expect(cause.kind).toBe('clock')
  expect(cause.sentence).toContain('412 s ago')
})

describe('the source whose secret or scheme matches is named', () => {
  test('its secret', async () => {
    const cause = await firstCause(signed('stripe'), source('stripe', { secrets: ['whsec_other'] }), [
      { name: 'github', config: source('github', { secrets: ['x'] }) },
      { name: 'stripe-eu', config: source('stripe') },
    ])
    expect(cause).toMatchObject({ kind: 'other_source', source: 'stripe-eu' })
  })

  test('its scheme', async () => {
    const cause = (
      await explain(
        signed('github'),
        source('stripe', { secrets: ['x'] }),
        [{ name: 'repos', config: source('github') }],
        nowMs,
      )
    ).causes
    expect(cause).toContainEqual(expect.objectContaining({ kind: 'other_source', source: 'repos' }))
  })
})

describe('a body that was altered says how', () => {
  const pretty = '{\n  "id": "evt_1",\n  "amount": 12.5,\n  "path": "a/b",\n  "name": "Zoë"\n}'
  const compact = JSON.stringify(JSON.parse(pretty))
  test.each<[string, string, string, string]>([
    ['compact JSON made pretty', compact, pretty, 'compact JSON'],
    ['pretty JSON made compact', pretty, compact, 'indented by two blanks'],
    ['Python’s blanks lost', compact.replaceAll(',"', ', "').replaceAll('":', '": '), compact, 'Python'],
    ['escapes resolved', compact.replace('ë', '\\u00eb'), compact, '\\u escapes'],
    ['escapes made', compact, compact.replace('ë', '\\u00eb'), 'compact JSON'],
    ['slashes unescaped', compact.replace('/', '\\/'), compact, 'escaped slashes'],
    ['a newline added', compact, `${compact}\n`, 'without the newline'],
    ['a newline cut off', `${compact}\n`, compact, 'with a newline'],
    ['CRLF made LF', 'a\r\nb', 'a\nb', 'CRLF'],
    ['LF made CRLF', 'a\nb', 'a\r\nb', 'LF line ends'],
    ['a byte order mark added', compact, `\ufeff${compact}`, 'byte order mark'],
    ['read as Latin-1', compact, Buffer.from(compact).toString('latin1'), 'Latin-1'],
    ['a form taken apart', `payload=${encodeURIComponent(compact)}`, compact, 'form around'],
    ['an object’s names sorted', '{"b":1,"a":2}', '{"a":2, "b":1}', 'unexplained'],
  ])('%s', async (_title, sent, received, part) => {
    const request = changed(signed('github', { body: sent }), () => received)
    const cause = await firstCause(request, source('github'))
    if (part === 'unexplained') return expect(cause.kind).toBe('unknown')
    expect(cause).toMatchObject({ kind: 'body_altered', sentence: expect.stringContaining(part) })
  })
})

describe('an URL that differs says how', () => {
  const url = 'https://hooks.example.com/webhooks/acme/square?b=1&a=2'
  test.each([
    ['http behind a proxy', url.replace('https', 'http'), 'https://'],
    ['a port of the inside', url.replace('.com', '.com:8080'), 'without the port'],
    ['a slash added', url.replace('?', '/?'), 'without the slash'],
    ['the query sorted', url.replace('b=1&a=2', 'a=2&b=1'), 'other way round'],
  ])('%s', async (_title, received, part) => {
    const cause = await firstCause({ ...signed('square', { url }), url: received }, source('square'))
    expect(cause).toMatchObject({ kind: 'url_differs', sentence: expect.stringContaining(part) })
  })

  test('only a path is known', async () => {
    const cause = await firstCause(
      { ...signed('square', { url }), url: '/webhooks/acme/square' },
      source('square'),
    )
    expect(cause.sentence).toContain('option publicUrl')
  })
})

describe('a secret that is read wrongly says how', () => {
  test.each([
    ['a newline behind it', `${secret}\n`, 'without the blanks'],
    ['quotation marks around it', `"${secret}"`, 'quotation marks'],
    ['a zero-width space before it', `\u200b${secret}`, 'invisible U+200B'],
    ['a zero-width character that no list knows', `${secret}\u{e0001}`, 'invisible U+E0001'],
    ['an invisible filler in it', secret.replace('_', '_\u3164'), 'invisible U+3164'],
    ['encoded as base64', Buffer.from(secret).toString('base64'), 'decoded from base64'],
  ])('%s', async (_title, stored, part) => {
    const cause = await firstCause(signed('stripe'), source('stripe', { secrets: [stored] }))
    expect(cause).toMatchObject({ kind: 'secret_form', sentence: expect.stringContaining(part) })
  })

  test('a base64 secret that isn’t decoded', async () => {
    const cause = await firstCause(signed('standard-webhooks'), source('polar'))
    expect(cause).toMatchObject({ kind: 'secret_form', sentence: expect.stringContaining('base64') })
  })
})

describe('what is missing or malformed is named', () => {
  test('no header at all', async () => {
    const cause = await firstCause({ ...signed('stripe'), headers: {} }, source('stripe'))
    expect(cause).toMatchObject({
      kind: 'header_missing',
      sentence: expect.stringContaining('stripe-signature'),
    })
  })

  test('another provider’s header', async () => {
    const cause = await firstCause(signed('github'), source('stripe'))
    expect(cause).toMatchObject({ kind: 'other_provider', sentence: expect.stringContaining('GitHub') })
  })

  test('only v0', async () => {
    const request = signed('stripe')
    const header = String(request.headers['stripe-signature']).replace('v1=', 'v0=')
    const cause = await firstCause({ ...request, headers: { 'stripe-signature': header } }, source('stripe'))
    expect(cause).toMatchObject({ kind: 'label_unknown', sentence: expect.stringContaining('v0') })
  })

  test('upper-case hexadecimal', async () => {
    const request = signed('github')
    const header = String(request.headers['x-hub-signature-256']).toUpperCase().replace('SHA256', 'sha256')
    const cause = await firstCause(
      { ...request, headers: { 'x-hub-signature-256': header } },
      source('github'),
    )
    expect(cause).toMatchObject({ kind: 'encoding', sentence: expect.stringContaining('upper-case') })
  })

  test('a source that can’t work', async () => {
    const { verdict, causes } = await explain(
      signed('svix'),
      source('svix', { secrets: ['whsec_???'] }),
      [],
      nowMs,
    )
    expect(verdict).toBeUndefined()
    expect(causes[0]).toMatchObject({ kind: 'configuration' })
  })
})

test('an explanation never holds the secret or the right signature', async () => {
  const right = signed('github')
  const signature = String(right.headers['x-hub-signature-256']).slice('sha256='.length)
  const wrong = { ...right, headers: { ...right.headers, 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` } }
  const text = JSON.stringify(await explain(wrong, source('github'), [], nowMs))
  expect(text).not.toContain(signature)
  expect(text).not.toContain(secret)
})

test('a large body costs no more than a bounded number of tries', async () => {
  const others = Array.from({ length: 100 }, (_, i) => ({
    name: `o${i}`,
    config: source('square', { secrets: [`z${i}`] }),
  }))
  const request = { ...signed('square'), body: Buffer.alloc(8 * 1024 * 1024, '\n') }
  const start = process.cpuUsage()
  const { causes } = await explain(request, source('square', { secrets: ['x', 'y'] }), others, nowMs)
  const { user, system } = process.cpuUsage(start)
  expect(causes).not.toHaveLength(0)
  // About 100 ms with the bounds, 10 s without.
  expect((user + system) / 1000).toBeLessThan(3000)
})

test('explaining a rejection with a hundred sources holds up no other work', async () => {
  const url = 'https://hooks.example.com/webhooks/acme/twilio'
  const request: WebhookRequest = {
    method: 'POST',
    url,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-twilio-signature': Buffer.alloc(20).toString('base64'),
    },
    body: Buffer.from('a&'.repeat(130_000)),
  }
  const others = Array.from({ length: 100 }, (_, i) => ({
    name: `twilio-${i}`,
    config: source('twilio', { secrets: [`z${i}`], options: { publicUrl: url } }),
  }))
  // Of the processor's time: a crowded machine lets a process wait for longer.
  let longestMs = 0
  let last = process.cpuUsage()
  const turn = () => {
    longestMs = Math.max(longestMs, process.cpuUsage(last).user / 1000)
    last = process.cpuUsage()
  }
  const turns = setInterval(turn, 1)
  const start = process.cpuUsage()
  const { causes } = await explain(request, source('twilio'), others, nowMs)
  const { user, system } = process.cpuUsage(start)
  clearInterval(turns)
  turn()
  expect(causes).toHaveLength(1)
  // Without slices the explanation blocked for 17.9 s.
  expect((user + system) / 1000).toBeLessThan(3000)
  expect(longestMs).toBeLessThan(1000)
})

test('an explanation ends when its time is used up, and says so', async () => {
  let asked = 0
  const pace = { goOn: async () => ++asked < 5 }
  const request = { ...signed('github'), body: Buffer.from('{"a":1}') }
  const { causes } = await explain(request, source('github'), [], nowMs, undefined, pace)
  expect(asked).toBe(5)
  expect(causes).toEqual([{ kind: 'unknown', sentence: expect.stringContaining('Not all were') }])
})

test('JSON nested beyond all bounds is explained like any other body', async () => {
  const request = { ...signed('github'), body: Buffer.from('['.repeat(30_000) + ']'.repeat(30_000)) }
  const { causes } = await explain(request, source('github'), [], nowMs)
  expect(causes).toMatchObject([{ kind: 'unknown' }])
})

test('an explanation gives others their turn', async () => {
  let nowMs = 0
  const pace = openPace({ budgetMs: 100, sliceMs: 5, now: () => nowMs })
  nowMs += 4
  expect(await pace.goOn()).toBe(true)
  nowMs += 2
  let turns = 0
  const turn = setInterval(() => turns++, 0)
  try {
    for (let i = 0; i < 15; i++) {
      expect(await pace.goOn()).toBe(true)
      nowMs += 6
    }
    expect(turns).toBeGreaterThan(5)
    nowMs += 10
    expect(await pace.goOn()).toBe(false)
  } finally {
    clearInterval(turn)
  }
})
