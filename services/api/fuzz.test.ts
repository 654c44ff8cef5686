import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { startTestRedis } from '@fairlead/testbed/redis'
import { seeded } from '@fairlead/testbed/seeded'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { consoleUrl, testSignInKeys } from './auth/fixtures/people-api.ts'
import { bodyOf, bodySchemaOf } from './fixtures/request-body.ts'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'
import { needsMatch, type Operation } from './operation.ts'
import { operations } from './operations.ts'
import { problemSchema } from './problem.ts'

/** FAIRLEAD_FUZZ_SEED makes the same requests again; FAIRLEAD_FUZZ_RUNS says how many a operation, default 10. */
const seed = Number(process.env.FAIRLEAD_FUZZ_SEED ?? Date.now() % 1_000_000)
const runs = Number(process.env.FAIRLEAD_FUZZ_RUNS ?? 10)

let api: TestApi
const opened = new AsyncDisposableStack()
beforeAll(async () => {
  const redis = opened.use(await startTestRedis())
  // With all that an installation may have, so that every operation is asked.
  api = opened.use(
    await openTestApi({
      FAIRLEAD_REDIS_URL: redis.url,
      FAIRLEAD_CONSOLE_URL: consoleUrl,
      FAIRLEAD_SIGN_IN_KEYS: testSignInKeys,
      FAIRLEAD_TENANT_ACCOUNTS: 'true',
    }),
  )
  await anOrganization(api.store, 'acme')
})
afterAll(() => opened.disposeAsync())

/** Text of JSON that a field may be given instead of what it takes. */
const hostile = [
  'null',
  'true',
  '-0',
  '1e400',
  '1e-400',
  '-9007199254740993',
  '0.1',
  '""',
  '" "',
  String.raw`"a\u0000b"`,
  String.raw`"\ud800"`,
  String.raw`"\r\nset-cookie: a=b"`,
  '"\u202e\u200b"',
  `"' or 1=1; drop table events --"`,
  `"${'x'.repeat(20_000)}"`,
  '"9999-12-31T23:59:59-23:59"',
  '"0000-01-01T00:00:00Z"',
  '"2026-02-30"',
  '"2026-06-30T23:59:60Z"',
  '"infinity"',
  '{}',
  '{"__proto__":{"a":1}}',
  '{"toString":1}',
  '[]',
  '[null]',
  `[${'"x",'.repeat(5_000)}"x"]`,
  '['.repeat(5_000) + ']'.repeat(5_000),
  `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`,
]
/** Bytes of a body that is no JSON, or none that one may trust. */
const broken = [
  Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from('{"name":"a","name":"b"}'),
  Buffer.from('{'),
  Buffer.from('\u0000'),
  Buffer.from(`{}${'\n'.repeat(70_000)}`),
]
/** Of a path or a query, percent-encoded. */
const pieces = [
  '%00',
  '%ff',
  '%',
  '%2e%2e',
  '%2f',
  '..',
  '%c0%af',
  "'",
  '%F0%9F',
  'a'.repeat(3_000),
  '%0d%0aX:1',
  '',
]
const headers = [
  'idempotency-key: \u00ff',
  `idempotency-key: ${'k'.repeat(300)}`,
  'idempotency-key:',
  'idempotency-key: a\u0000b',
  'traceparent: 00-zz-zz-zz',
  'x-forwarded-for: 1.2.3.4, \u00ff',
  'content-type: application/json; charset=utf-16',
  'content-encoding: gzip',
  'expect: 200-ok',
  'authorization: Bearer',
  'user-agent: \u0080',
  'content-length: 5',
  'transfer-encoding: identity',
  'x: a\rb: c',
  'if-match: W/"a"',
  'if-match: a"b',
  `if-match: ${'"a",'.repeat(30)}"a"`,
  'if-none-match: "a"',
]

const nobodys = (prefix: string) => `${prefix}_00000000000000000000000000`
/** What a path may hold: names of things that are not there. */
const inPath: Readonly<Record<string, string>> = {
  slug: 'acme',
  session: `ses_${'0'.repeat(24)}`,
  passkey: `pky_${'0'.repeat(24)}`,
  email: 'nobody@platform.example',
  rejection: '9223372036854775807',
  attempt: 'att_00000000000000000000000000-999999999',
  event: nobodys('evt'),
  delivery: nobodys('dlv'),
  replay: nobodys('rpl'),
  issue: nobodys('iss'),
  retry: nobodys('rty'),
  rebuild: nobodys('rbd'),
  key: nobodys('key'),
  destination: nobodys('dst'),
  source: nobodys('src'),
  route: nobodys('rte'),
  member: nobodys('mem'),
  invitation: nobodys('inv'),
}

interface Field {
  readonly name: string
  readonly required: boolean
}

function fieldsOf(operation: Operation): Field[] {
  const schema = bodySchemaOf(operation)
  return Object.keys(schema?.properties ?? {}).map(name => ({
    name,
    required: schema?.required?.includes(name) ?? false,
  }))
}

/** The whole of it, but of a stream of events, which doesn't end by itself, the beginning. */
async function readAnswer(socket: Socket): Promise<string> {
  let text = ''
  try {
    for await (const chunk of socket) {
      text += chunk
      if (/^content-type: text\/event-stream/im.test(text)) break
    }
  } catch {
    // Cut off: what came is the answer.
  }
  return text
}

async function send(method: string, path: string, body: Uint8Array | undefined, extra: string) {
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  const head = [
    `${method.toUpperCase()} ${path} HTTP/1.1`,
    'host: x',
    'connection: close',
    `authorization: Bearer ${api.platformKey}`,
    ...(body ? ['content-type: application/json', `content-length: ${body.length}`] : []),
    ...(extra ? [extra] : []),
  ]
  socket.write(Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'))
  if (body) socket.write(body)
  const answer = await readAnswer(socket)
  const [, status = '0'] = /^HTTP\/1\.1 (\d{3})/.exec(answer) ?? []
  return {
    status: Number(status),
    head: answer.split('\r\n\r\n')[0] ?? '',
    body: answer.slice(answer.indexOf('\r\n\r\n') + 4),
  }
}

/** The code of a problem document; undefined where it is none. */
function codeOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { code?: string }).code
  } catch {
    return undefined
  }
}

test.each(operations)(
  '$name answers hostile input with 4xx that names the field, never with 5xx',
  async operation => {
    const random = seeded(seed + operations.indexOf(operation))
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
    const fields = fieldsOf(operation)
    const usual = bodyOf(operation)
    for (let run = 0; run < runs; run++) {
      const kind = pick(
        fields.length > 0
          ? (['field', 'field', 'bytes', 'path', 'query', 'header'] as const)
          : (['path', 'query', 'header'] as const),
      )
      const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name) =>
        kind === 'path' ? pick(pieces) : inPath[name as string]!,
      )
      const changed = pick(fields)?.name
      const content = fields
        .filter(({ name, required }) => required || name === changed)
        .map(
          ({ name }) =>
            `${JSON.stringify(name)}:${name === changed && kind === 'field' ? pick(hostile) : JSON.stringify(usual?.[name] ?? 'test data')}`,
        )
      const body =
        fields.length === 0
          ? undefined
          : kind === 'bytes'
            ? pick(broken)
            : Buffer.from(`{${content.join(',')}}`)
      const query =
        kind === 'query'
          ? `?${pick(['limit', 'cursor', 'after', 'q', 'x', '%ff', '__proto__'])}=${pick(pieces)}&limit=1&limit=2`
          : ''
      const answer = await send(
        operation.method,
        path + query,
        body,
        kind === 'header' ? pick(headers) : needsMatch(operation) ? 'if-match: *' : '',
      )
      const said = `seed ${seed}: ${operation.method} ${path}${query} ${String(body).slice(0, 200)} ${answer.head}`
      // A transfer coding that nobody knows is refused with 501, as RFC 9112 (6.1) has it: no fault of ours.
      if (codeOf(answer.body) === 'transfer_coding_unknown') expect(answer.status).toBe(501)
      else expect(answer.status, said).toBeLessThan(500)
      expect(answer.head, said).not.toMatch(/set-cookie|^X:/im)
      if (kind === 'query') expect(answer.status, said).toBe(400)
      if (answer.status !== 400 || !answer.head.includes('application/problem+json')) continue
      const problem = problemSchema.parse(JSON.parse(answer.body))
      if (problem.code === 'request_invalid') expect(problem.errors?.length, said).toBeGreaterThan(0)
    }
  },
)

test.each([
  ['POST', '/api-keys', '{"name":"a","name":"b"}', { in: 'body', name: 'name' }],
  ['POST', '/api-keys', String.raw`{"name":"\ud800"}`, { in: 'body', name: 'name' }],
  [
    'POST',
    '/api-keys',
    '{"name":"a","expiresAt":"9999-12-31T23:59:59-23:59"}',
    { in: 'body', name: 'expiresAt' },
  ],
  ['POST', '/api-keys', '{"name":"a","expiresAt":"2999-06-30T23:59:60Z"}', { in: 'body', name: 'expiresAt' }],
  ['POST', '/sources', '{"name":"a b","provider":"github"}', { in: 'body', name: 'name' }],
  [
    'POST',
    '/sources',
    '{"name":"a","provider":"x\'; drop table sources --"}',
    { in: 'body', name: 'provider' },
  ],
  [
    'POST',
    '/sources',
    '{"name":"a","provider":"github","secrets":[{"value":5}]}',
    { in: 'body', name: 'secrets.0.value' },
  ],
  ['POST', '/sources', '{"name":"a","provider":"github","secrets":[]}', { in: 'body', name: 'secrets' }],
  [
    'POST',
    '/sources',
    String.raw`{"name":"a","provider":"github","options":{"x":["\u0000"]}}`,
    { in: 'body', name: 'options.x.0' },
  ],
  ['POST', '/sources', '{"name":"a","provider":"github","nmae":1}', { in: 'body', name: 'nmae' }],
  ['POST', '/destinations', '{"name":"a","url":"ftp://a.example/"}', { in: 'body', name: 'url' }],
  ['POST', '/destinations', '{"name":"a","url":"http://a.example/"}', { in: 'body', name: 'url' }],
  [
    'POST',
    '/destinations',
    String.raw`{"name":"a","url":"https://a.example/","headers":[{"name":"x","value":"a\r\nb: c"}]}`,
    { in: 'body', name: 'headers.0.value' },
  ],
  [
    'POST',
    '/destinations',
    '{"name":"a","url":"https://a.example/","auth":[{"basic":{"username":"a"}}]}',
    { in: 'body', name: 'auth.0.basic.password' },
  ],
  ['POST', '/routes', '{"source":"none","destinations":["billing"]}', { in: 'body', name: 'source' }],
  [
    'POST',
    '/routes',
    '{"source":"*","destinations":["billing","none"]}',
    { in: 'body', name: 'destinations.1' },
  ],
  [
    'POST',
    '/routes?dryRun=yes',
    '{"source":"*","destinations":["billing"]}',
    { in: 'query', name: 'dryRun' },
  ],
  [
    'POST',
    '/issues/iss_00000000000000000000000000/ignore',
    '{"until":"2000-01-01"}',
    { in: 'body', name: 'until' },
  ],
  ['GET', '/events?limit=1&limit=2', undefined, { in: 'query', name: 'limit' }],
  ['GET', '/events?source=%ff', undefined, { in: 'query', name: 'source' }],
  ['GET', '/events?__proto__=1', undefined, { in: 'query', name: '__proto__' }],
])('%s %s %s names what is wrong', async (method, path, body, fault) => {
  const answer = await api.call(method, `/api/v1/organizations/acme${path}`, { body })
  expect([answer.status, answer.body.errors?.[0]]).toMatchObject([400, fault])
})
