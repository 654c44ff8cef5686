import type { Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { startSink } from '@fairlead/testbed/sink'
import { until } from '@fairlead/testbed/until'
import { describe, expect, test } from 'vitest'
import { aRequest, never, openTestSender } from './fixtures/sender.ts'
import { answering, startRawServer, type Talk } from './fixtures/servers.ts'

describe('what goes out', () => {
  test.each([
    ['text', Buffer.from('{"a":"ü"}')],
    ['no bytes', new Uint8Array(0)],
    ['bytes that are no UTF-8', new Uint8Array([0xff, 0xfe, 0, 0x0d, 0x0a])],
    ['a part of a larger buffer', new Uint8Array([1, 2, 3, 4, 5]).subarray(1, 3)],
    ['8 MiB', Buffer.alloc(8 * 1024 * 1024, 'ab')],
  ])('%s arrives as it is', async (_name, body) => {
    await using sink = await startSink()
    await using sender = openTestSender()
    const url = `${sink.url}/hooks/a%20b?c=d`
    expect(await sender.send(aRequest({ url, body }), never)).toEqual({ kind: 'delivered', status: 200 })
    const [got] = sink.received
    expect(got).toMatchObject({ method: 'POST', url: '/hooks/a%20b?c=d' })
    expect(got!.headers['content-length']).toBe(String(body.length))
    expect(Buffer.compare(got!.body, body)).toBe(0)
  })

  test('headers arrive in order and letter case, and the ones that can not be sent do no harm', async () => {
    await using sink = await startSink()
    await using sender = openTestSender()
    const headers = [
      'X-B',
      '1',
      'x-a',
      '2',
      'X-B',
      '3',
      'Host',
      'evil',
      'Transfer-Encoding',
      'chunked',
      'a b',
      'c',
    ]
    headers.push(
      'x-broken',
      'a\r\nx-injected: b',
      'Expect',
      '100-continue',
      'Connection',
      'close',
      'x-utf8',
      '→',
    )
    expect(await sender.send(aRequest({ url: sink.url, headers }), never)).toMatchObject({
      kind: 'delivered',
    })
    expect(sink.received[0]!.rawHeaders).toEqual([
      ...['host', `127.0.0.1:${sink.port}`, 'connection', 'keep-alive'],
      ...['X-B', '1', 'x-a', '2', 'X-B', '3', 'x-broken', 'a  x-injected: b'],
      ...['x-utf8', Buffer.from('→').toString('latin1'), 'content-length', '8'],
    ])
  })
})

const head = (status: string, ...headers: string[]) =>
  `HTTP/1.1 ${status}\r\n${headers.map(h => `${h}\r\n`).join('')}\r\n`

describe('what an answer means', () => {
  test.each([
    ['200', head('200 OK', 'content-length: 0'), { kind: 'delivered', status: 200 }],
    ['202 with a body', `${head('202 Accepted', 'content-length: 2')}ok`, { kind: 'delivered', status: 202 }],
    ['204', head('204 No Content'), { kind: 'delivered', status: 204 }],
    [
      'chunked',
      `${head('200 OK', 'transfer-encoding: chunked')}2\r\nok\r\n0\r\n\r\n`,
      { kind: 'delivered', status: 200 },
    ],
    [
      'early hints before',
      head('103 Early Hints', 'link: </a>') + head('200 OK', 'content-length: 0'),
      { kind: 'delivered', status: 200 },
    ],
    ['no reason phrase', 'HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n', { kind: 'delivered', status: 200 }],
    [
      '301 to elsewhere',
      head('301 Moved', 'location: https://a.example/b?c', 'content-length: 0'),
      { kind: 'redirected', status: 301, reason: 'to https://a.example/b' },
    ],
    [
      '302 to a path',
      head('302 Found', 'location: /login', 'content-length: 0'),
      { kind: 'redirected', status: 302, reason: 'to /login' },
    ],
    ['304 to nowhere', head('304 Not Modified'), { kind: 'redirected', status: 304 }],
    [
      '400',
      `${head('400 Bad Request', 'content-length: 8')}no field`,
      { kind: 'refused_by_destination', status: 400, reason: 'no field' },
    ],
    [
      '404 without a body',
      head('404 Not Found', 'content-length: 0'),
      { kind: 'refused_by_destination', status: 404 },
    ],
    ['410', head('410 Gone', 'content-length: 0'), { kind: 'gone', status: 410 }],
    [
      '429',
      head('429 Too Many', 'retry-after: 7', 'content-length: 0'),
      { kind: 'throttled', status: 429, retryAfterMs: 7000 },
    ],
    [
      '500',
      `${head('500 Oops', 'content-length: 13')}<h1>Oops</h1>`,
      { kind: 'destination_failed', status: 500, reason: 'Oops' },
    ],
    [
      '503 with Retry-After',
      head('503 Busy', 'retry-after: 3', 'content-length: 0'),
      { kind: 'throttled', status: 503, retryAfterMs: 3000 },
    ],
    [
      '100 that nobody asked for',
      head('100 Continue') + head('200 OK', 'content-length: 0'),
      { kind: 'delivered', status: 200 },
    ],
    [
      '101 that nobody asked for',
      head('101 Switching Protocols', 'upgrade: websocket', 'connection: upgrade'),
      { kind: 'protocol_error', reason: 'the answer is 101: it changes the protocol, unasked' },
    ],
    [
      'interim answers without end',
      head('103 Early Hints').repeat(100),
      { kind: 'protocol_error', reason: 'more than 16 interim answers' },
    ],
  ])('%s', async (_name, text, outcome) => {
    await using server = await startRawServer(answering(text))
    await using sender = openTestSender()
    expect(await sender.send(aRequest({ url: server.url }), never)).toEqual(outcome)
  })

  test('what ends by closing', async () => {
    await using server = await startRawServer(socket =>
      socket.once('data', () => socket.end(`${head('500 Oops')}told`)),
    )
    await using sender = openTestSender()
    expect(await sender.send(aRequest({ url: server.url }), never)).toEqual({
      kind: 'destination_failed',
      status: 500,
      reason: 'told',
    })
  })

  test('a compressed answer is readable in the log', async () => {
    await using sink = await startSink({
      status: 500,
      headers: { 'content-encoding': 'gzip' },
      body: gzipSync('oops'),
    })
    await using sender = openTestSender()
    expect(await sender.send(aRequest({ url: sink.url }), never)).toEqual({
      kind: 'destination_failed',
      status: 500,
      reason: 'oops',
    })
  })

  test('no header is shown that the destination sends back', async () => {
    await using sink = await startSink(request => ({ status: 400, body: JSON.stringify(request.headers) }))
    await using sender = openTestSender()
    const headers = [
      'authorization',
      'Bearer test-token-0123',
      'webhook-signature',
      'v1,dGVzdCBzaWduYXR1cmU=',
    ]
    const outcome = await sender.send(aRequest({ url: sink.url, headers }), never)
    expect(JSON.stringify(outcome)).toContain('[authorization]')
    expect(JSON.stringify(outcome)).not.toMatch(/test-token|dGVzd/)
  })
})

describe('what is larger than is read', () => {
  const flood: (status: string) => Talk = status => socket => {
    socket.once('data', () => {
      socket.write(head(status, 'content-length: 100000000'))
      const pour = () => {
        while (socket.write(Buffer.alloc(65_536, 'x')));
      }
      socket.on('drain', pour)
      pour()
    })
  }

  test.each([
    ['200 OK', { kind: 'delivered', status: 200 }],
    ['500 Oops', { kind: 'destination_failed', status: 500, reason: 'x'.repeat(200) }],
  ])('of %s the status counts, and the connection is cut', async (status, outcome) => {
    await using server = await startRawServer(flood(status))
    await using sender = openTestSender()
    expect(await sender.send(aRequest({ url: server.url }), never)).toEqual(outcome)
    expect(sender.connections.open).toBe(0)
  })

  test('a head above 16 KiB', async () => {
    await using server = await startRawServer(
      answering(head('200 OK', `x-a: ${'a'.repeat(20_000)}`, 'content-length: 0')),
    )
    await using sender = openTestSender()
    expect(await sender.send(aRequest({ url: server.url }), never)).toMatchObject({
      kind: 'response_too_large',
    })
    expect(sender.connections.open).toBe(0)
  })

  test('a head without end', async () => {
    await using server = await startRawServer(socket => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n')
        const pour = () => {
          while (socket.write(`x-a: ${'a'.repeat(1000)}\r\n`));
        }
        socket.on('drain', pour)
        pour()
      })
    })
    await using sender = openTestSender()
    expect(await sender.send(aRequest({ url: server.url }), never)).toMatchObject({
      kind: 'response_too_large',
    })
  })
})

describe('what does not answer in full', () => {
  const after =
    (text: string): Talk =>
    socket =>
      socket.once('data', () => socket.write(text))
  const drip =
    (text: string): Talk =>
    socket =>
      socket.once('data', () => {
        socket.write(text)
        const timer = setInterval(() => socket.write('1'), 10)
        socket.once('close', () => clearInterval(timer))
      })

  test.concurrent.each([
    ['hangs', after('')],
    ['hangs in the head', after('HTTP/1.1 200 OK\r\ncontent-')],
    ['hangs after the head', after(head('200 OK', 'content-length: 10'))],
    ['hangs in the body', after(`${head('200 OK', 'content-length: 10')}half`)],
    ['drips its head', drip('HTTP/1.1 200 OK\r\nx-drip: ')],
    ['drips its body', drip(head('200 OK', 'content-length: 100000'))],
    ['drips a failure', drip(head('500 Oops', 'content-length: 100000'))],
  ])('%s: cut at the deadline', async (_name, talk) => {
    await using server = await startRawServer(talk)
    await using sender = openTestSender()
    // Time to connect, also on a machine that stands still for a moment.
    const outcome = await sender.send(aRequest({ url: server.url, timeoutMs: 1_000 }), never)
    expect(outcome).toEqual({ kind: 'response_timeout', reason: 'no complete answer within 1000 ms' })
    expect(sender.connections.open).toBe(0)
  })

  const cut =
    (text: string): Talk =>
    socket =>
      socket.once('data', () => socket.end(text))
  test.each<[string, Talk, string]>([
    ['closes', cut(''), 'connection_reset'],
    ['resets', socket => socket.once('data', () => socket.resetAndDestroy()), 'connection_reset'],
    ['resets at once', socket => socket.resetAndDestroy(), 'connection_reset'],
    ['closes in the head', cut('HTTP/1.1 200 OK\r\ncontent-'), 'connection_reset'],
    ['closes in the body', cut(`${head('200 OK', 'content-length: 10')}half`), 'connection_reset'],
    ['closes in a chunk', cut(`${head('200 OK', 'transfer-encoding: chunked')}5\r\nha`), 'connection_reset'],
    ['is no HTTP', cut('220 mail.example ESMTP\r\n'), 'protocol_error'],
    ['is HTTP/2', cut('\0\0\x12\x04\0\0\0\0\0'), 'protocol_error'],
    ['has a status that is none', cut('HTTP/1.1 abc OK\r\n\r\n'), 'protocol_error'],
    [
      'has two lengths',
      cut(`${head('200 OK', 'content-length: 1', 'content-length: 2')}ab`),
      'protocol_error',
    ],
  ])('%s', async (_name, talk, kind) => {
    await using server = await startRawServer(talk)
    await using sender = openTestSender()
    expect(await sender.send(aRequest({ url: server.url }), never)).toMatchObject({ kind })
    expect(sender.connections.open).toBe(0)
  })

  test('nothing listens', async () => {
    await using sender = openTestSender()
    // Above those that are given out: one that was free may be taken a moment later.
    expect(await sender.send(aRequest({ url: 'http://127.0.0.1:65535/' }), never)).toEqual({
      kind: 'connection_refused',
      reason: 'ECONNREFUSED',
    })
  })

  test('the name is never looked up', async () => {
    await using sender = openTestSender({ resolve: () => new Promise(() => {}), connectTimeoutMs: 100 })
    const outcome = await sender.send(aRequest({ url: 'http://hooks.example/' }), never)
    expect(outcome).toEqual({ kind: 'connect_timeout', reason: 'no connection within 100 ms' })
  })

  test('the deadline comes before the connection', async () => {
    await using sender = openTestSender({ resolve: () => new Promise(() => {}) })
    const outcome = await sender.send(aRequest({ url: 'http://hooks.example/', timeoutMs: 100 }), never)
    expect(outcome).toEqual({ kind: 'connect_timeout', reason: 'no connection within 100 ms' })
    expect(sender.connections).toEqual({ open: 0, idle: 0, waiting: 0 })
  })
})

describe('an event that was taken is not sent again', () => {
  test.each<[string, string, boolean]>([
    ['100 that nobody asked for', head('100 Continue') + head('200 OK', 'content-length: 0'), true],
    ['a folded header line', head('200 OK', 'x-a: b\r\n  c', 'content-length: 0'), false],
    ['lines that end with a line feed alone', 'HTTP/1.1 200 OK\ncontent-length: 0\n\n', false],
    ['two equal lengths', head('200 OK', 'content-length: 0', 'content-length: 0'), true],
    [
      'a length and chunks',
      `${head('200 OK', 'content-length: 0', 'transfer-encoding: chunked')}0\r\n\r\n`,
      false,
    ],
    ['bytes after the end of the answer', `${head('200 OK', 'content-length: 0')}\r\n`, false],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\n', false],
    ['a trailer', `${head('200 OK', 'transfer-encoding: chunked')}1;a=b\r\nx\r\n0\r\nx-a: b\r\n\r\n`, true],
  ])('because of %s', async (_name, text, again) => {
    await using server = await startRawServer(socket => {
      socket.on('data', () => {
        socket.write(text)
        if (text.startsWith('HTTP/1.0')) socket.end()
      })
    })
    await using sender = openTestSender()
    for (let i = 0; i < 2; i++) {
      expect(await sender.send(aRequest({ url: server.url }), never)).toEqual({
        kind: 'delivered',
        status: 200,
      })
    }
    expect(server.connections).toBe(again ? 1 : 2)
  })

  test('because its answer comes byte for byte', async () => {
    const text = `${head('103 Early Hints')}${head('200 OK', 'x-a: b\r\n c', 'transfer-encoding: chunked')}2\r\nok\r\n0\r\n\r\n`
    await using server = await startRawServer(socket => {
      socket.setNoDelay(true)
      socket.once('data', async () => {
        for (const byte of text) {
          socket.write(byte)
          await new Promise(setImmediate)
        }
      })
    })
    await using sender = openTestSender()
    expect(await sender.send(aRequest({ url: server.url }), never)).toEqual({
      kind: 'delivered',
      status: 200,
    })
  })

  test('because it is answered while it is still on its way, and the connection closed at once', async () => {
    await using server = await startRawServer(socket => {
      socket.once('data', () => socket.end(head('200 OK', 'content-length: 0', 'connection: close')))
    })
    await using sender = openTestSender()
    const request = aRequest({ url: server.url, body: Buffer.alloc(8 * 1024 * 1024) })
    expect(await sender.send(request, never)).toEqual({ kind: 'delivered', status: 200 })
    expect(sender.connections.open).toBe(0)
  })
})

describe('an answer that nobody asked for', () => {
  test('on an idle connection is not taken for the answer to the next request', async () => {
    const requests: number[] = []
    const sockets: Socket[] = []
    await using server = await startRawServer((socket, number) => {
      sockets.push(socket)
      socket.on('data', () => {
        requests.push(number)
        socket.write(head(number === 1 ? '200 OK' : '500 Oops', 'content-length: 0'))
      })
    })
    await using sender = openTestSender()
    expect(await sender.send(aRequest({ url: server.url }), never)).toMatchObject({ kind: 'delivered' })
    sockets[0]!.write(head('200 OK', 'content-length: 0'))
    await until(() => sender.connections.open === 0)
    expect(await sender.send(aRequest({ url: server.url }), never)).toMatchObject({ status: 500 })
    expect(requests).toEqual([1, 2])
  })

  test('of a server that speaks first: its words, not a reset', async () => {
    await using server = await startRawServer(socket => socket.write('220 mail.example ESMTP\r\n'))
    await using sender = openTestSender()
    expect(await sender.send(aRequest({ url: server.url }), never)).toMatchObject({ kind: 'protocol_error' })
  })
})

test('a connection that its peer keeps for a second only is not used again', async () => {
  await using server = await startRawServer(
    answering(head('200 OK', 'keep-alive: timeout=1', 'content-length: 0')),
  )
  await using sender = openTestSender()
  for (let i = 0; i < 2; i++) await sender.send(aRequest({ url: server.url }), never)
  expect(server.connections).toBe(2)
})

test('an answer that comes before the body has been read counts', async () => {
  await using server = await startRawServer(socket => {
    socket.once('data', () => {
      socket.pause()
      socket.write(head('413 Too Large', 'content-length: 0', 'connection: close'))
    })
  })
  await using sender = openTestSender()
  const request = aRequest({ url: server.url, body: Buffer.alloc(32 * 1024 * 1024) })
  expect(await sender.send(request, never)).toEqual({ kind: 'refused_by_destination', status: 413 })
})

describe('an aborted attempt', () => {
  test('has no outcome', async () => {
    await using sink = await startSink({ hang: true })
    await using sender = openTestSender()
    const aborting = new AbortController()
    const sent = sender.send(aRequest({ url: sink.url }), aborting.signal)
    await sink.waitForCount(1)
    aborting.abort(new Error('handed over'))
    await expect(sent).rejects.toThrow('handed over')
    expect(sender.connections.open).toBe(0)
  })

  test('is not begun', async () => {
    await using sink = await startSink()
    await using sender = openTestSender()
    await expect(
      sender.send(aRequest({ url: sink.url }), AbortSignal.abort(new Error('no'))),
    ).rejects.toThrow('no')
    expect(sink.connections.total).toBe(0)
  })

  test('while connecting, and all of a signal at once', async () => {
    await using sender = openTestSender({ resolve: () => new Promise(() => {}), maxConnectionsPerOrigin: 1 })
    const aborting = new AbortController()
    const sent = Array.from({ length: 3 }, () =>
      sender.send(aRequest({ url: 'http://hooks.example/' }), aborting.signal),
    )
    expect(sender.connections).toEqual({ open: 1, idle: 0, waiting: 2 })
    aborting.abort(new Error('stop'))
    for (const one of await Promise.allSettled(sent)) expect(one).toMatchObject({ reason: new Error('stop') })
    expect(sender.connections).toEqual({ open: 0, idle: 0, waiting: 0 })
  })
})
