import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EgressError } from './egress-error.ts'
import { startRawServer } from './fixtures/servers.ts'
import { ResponseParser } from './response-parser.ts'

const maxHeadBytes = 16 * 1024
const maxBodyBytes = 64 * 1024

/** What became of an answer, in one value that can be compared. */
function read(pieces: readonly Uint8Array[], closed = false, keepBytes = maxBodyBytes) {
  const parser = new ResponseParser({ maxHeadBytes })
  parser.reset(keepBytes, maxBodyBytes)
  try {
    for (const piece of pieces) parser.push(Buffer.from(piece), piece.length)
    if (closed) parser.end()
  } catch (error) {
    if (!(error instanceof EgressError)) throw error
    return { kind: 'failed', code: error.code, message: error.message }
  }
  if (!parser.over) return { kind: 'unfinished' }
  const { status, retryAfter, location, contentEncoding, keepAliveMs } = parser.head
  const body = Buffer.from(parser.body).toString('latin1')
  const { reusable, bodyCut } = parser
  return { kind: 'read', status, retryAfter, location, contentEncoding, keepAliveMs, body, reusable, bodyCut }
}

const bytesOf = (text: string) => Buffer.from(text, 'latin1')
const readText = (text: string, closed = false) => read([bytesOf(text)], closed)

const empty = 'content-length: 0\r\n\r\n'

describe('read, and the connection kept', () => {
  test.each<[string, string, object]>([
    ['an ordinary answer', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok', { status: 200, body: 'ok' }],
    ['no reason phrase', `HTTP/1.1 200 \r\n${empty}`, { status: 200 }],
    ['no reason phrase and no blank', `HTTP/1.1 200\r\n${empty}`, { status: 200 }],
    ['a reason phrase in UTF-8', `HTTP/1.1 200 \xc3\x9c\r\n${empty}`, { status: 200 }],
    ['a minor version of the future', `HTTP/1.9 200 OK\r\n${empty}`, { status: 200 }],
    [
      '100 that nobody asked for',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n${empty}`,
      { status: 200 },
    ],
    [
      'several interim answers with headers',
      `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\ncontent-length: 7\r\nlink: </a>\r\n\r\nHTTP/1.1 201 Created\r\n${empty}`,
      { status: 201 },
    ],
    ['no blank after the colon', 'HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\nok', { body: 'ok' }],
    ['blanks and tabs around a value', 'HTTP/1.1 200 OK\r\ncontent-length:\t 2 \t\r\n\r\nok', { body: 'ok' }],
    ['names in capitals', 'HTTP/1.1 200 OK\r\nCONTENT-LENGTH: 2\r\n\r\nok', { body: 'ok' }],
    ['an empty value', `HTTP/1.1 200 OK\r\nx-a:\r\n${empty}`, { status: 200 }],
    ['a value in Latin-1', `HTTP/1.1 200 OK\r\nx-a: \xe4\xff\r\n${empty}`, { status: 200 }],
    [
      'two equal lengths',
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nContent-Length: 2\r\n\r\nok',
      { status: 200, body: 'ok' },
    ],
    ['two equal lengths in a line', 'HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok', { body: 'ok' }],
    ['a length with zeros before it', 'HTTP/1.1 200 OK\r\ncontent-length: 0002\r\n\r\nok', { body: 'ok' }],
    ['204 without a length', 'HTTP/1.1 204 No Content\r\n\r\n', { status: 204, body: '' }],
    ['304 without a length', 'HTTP/1.1 304 Not Modified\r\n\r\n', { status: 304 }],
    [
      'chunks',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0a\r\n0123456789\r\n0\r\n\r\n',
      { body: 'ok0123456789' },
    ],
    [
      'chunks with extensions and a trailer',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n2;a=b;c="d;e"\r\nok\r\n0;last\r\nx-sum: 1\r\nx-b: 2\r\n\r\n',
      { body: 'ok' },
    ],
    [
      'sizes with many zeros before them',
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${'0'.repeat(30)}2\r\nok\r\n${'0'.repeat(30)}\r\n\r\n`,
      { body: 'ok' },
    ],
    [
      'a coding below the chunks',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
      { contentEncoding: 'gzip' },
    ],
    [
      'lists with empty elements',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: , chunked,\r\nconnection: ,\r\n\r\n0\r\n\r\n',
      { body: '' },
    ],
    ['HTTP/1.0 that keeps the connection', `HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\n${empty}`, {}],
    ['Keep-Alive', `HTTP/1.1 200 OK\r\nkeep-alive: timeout=5, max=9\r\n${empty}`, { keepAliveMs: 5000 }],
    [
      'Keep-Alive, max first',
      `HTTP/1.1 200 OK\r\nKeep-Alive: max=9, Timeout = 7\r\n${empty}`,
      { keepAliveMs: 7000 },
    ],
    [
      'Retry-After twice',
      `HTTP/1.1 429 x\r\nretry-after: 1\r\nretry-after: 9\r\n${empty}`,
      { retryAfter: '1' },
    ],
  ])('%s', (_name, text, expected) => {
    expect(readText(text)).toMatchObject({ kind: 'read', reusable: true, ...expected })
  })
})

describe('read, and the connection closed', () => {
  test.each<[string, string, object]>([
    ['a folded header line', `HTTP/1.1 200 OK\r\nx-a: b\r\n c\r\n\td\r\n${empty}`, { status: 200 }],
    ['a folded length', 'HTTP/1.1 200 OK\r\ncontent-length:\r\n 2\r\n\r\nok', { body: 'ok' }],
    [
      'a folded Retry-After',
      `HTTP/1.1 503 x\r\nretry-after: Thu, 01 Jan 2026 \r\n\t 00:01:00 GMT\r\n${empty}`,
      { retryAfter: 'Thu, 01 Jan 2026 00:01:00 GMT' },
    ],
    ['a blank line before the first header', `HTTP/1.1 200 OK\r\n x: y\r\n${empty}`, { status: 200 }],
    ['line feeds alone', 'HTTP/1.1 200 OK\ncontent-length: 2\n\nok', { body: 'ok' }],
    [
      'chunks with line feeds alone',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\nok\n0\n\n',
      { body: 'ok' },
    ],
    ['empty lines before it', `\r\n\r\nHTTP/1.1 200 OK\r\n${empty}`, { status: 200 }],
    ['tabs in the status line', `HTTP/1.1\t200\tOK\r\n${empty}`, { status: 200 }],
    ['a blank before the colon', `HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\nok`, { body: 'ok' }],
    ['NUL in a value', `HTTP/1.1 302 x\r\nlocation: /a\0b\r\n${empty}`, { location: '/a b' }],
    ['bytes after its end', `HTTP/1.1 200 OK\r\n${empty}HTTP/1.1 200 OK\r\n${empty}`, { status: 200 }],
    ['204 with a length', 'HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\n', { body: '' }],
    [
      'a length and chunks: the chunks count',
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      { body: 'ok' },
    ],
    [
      'chunks in HTTP/1.0',
      'HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      { body: 'ok' },
    ],
    [
      'blanks after the size of a chunk',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2  \r\nok\r\n0\r\n\r\n',
      { body: 'ok' },
    ],
    ['Connection: close', `HTTP/1.1 200 OK\r\nConnection: x, Close\r\n${empty}`, { status: 200 }],
    ['Connection twice', `HTTP/1.1 200 OK\r\nconnection: keep-alive\r\nconnection: close\r\n${empty}`, {}],
    ['HTTP/1.0', `HTTP/1.0 200 OK\r\n${empty}`, { status: 200 }],
  ])('%s', (_name, text, expected) => {
    expect(readText(text)).toMatchObject({ kind: 'read', reusable: false, ...expected })
  })

  test.each([
    ['without a length', 'HTTP/1.1 200 OK\r\n\r\nok'],
    ['in HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\nok'],
    ['with the coding that is none', 'HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\n\r\nok'],
    ['with a coding without chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nok'],
    ['with a coding above the chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, gzip\r\n\r\nok'],
    [
      'with a coding without chunks, and a length',
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: gzip\r\n\r\nok',
    ],
  ])('a body %s ends with the connection', (_name, text) => {
    expect(readText(text)).toEqual({ kind: 'unfinished' })
    expect(readText(text, true)).toMatchObject({ kind: 'read', status: 200, body: 'ok', reusable: false })
  })

  test('a body beyond its bound', () => {
    const text = `HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n${'x'.repeat(maxBodyBytes + 1)}`
    expect(readText(text)).toMatchObject({ kind: 'read', status: 200, reusable: false, bodyCut: true })
  })
})

describe('refused, with true words', () => {
  test.each([
    [
      'two different lengths',
      'content-length: 1\r\ncontent-length: 2',
      'Content-Length is said twice, differently',
    ],
    ['two different lengths in a line', 'content-length: 1, 2', 'Content-Length is said twice, differently'],
    ['a length that is none', 'content-length: +1', 'Content-Length is no number'],
    ['a length below nothing', 'content-length: -1', 'Content-Length is no number'],
    ['an empty length', 'content-length:', 'Content-Length is no number'],
    ['a length that no body has', `content-length: ${'9'.repeat(20)}`, 'Content-Length is no number'],
    ['chunks twice', 'transfer-encoding: chunked, chunked', 'Transfer-Encoding is chunked twice'],
    ['no colon', 'content-length', 'a header line has no name and colon'],
    ['no name', ': 1', 'a header line has no name and colon'],
    ['a name that is none', 'a(b): 1', 'a header line has no name and colon'],
    ['too many lines', 'a:\r\n'.repeat(300).trimEnd(), 'the answer has more than 256 header lines'],
  ])('%s', (_name, lines, message) => {
    const text = `HTTP/1.1 200 OK\r\n${lines}\r\n\r\nab`
    expect(readText(text)).toEqual({ kind: 'failed', code: 'FAIRLEAD_NOT_HTTP', message })
  })

  test.each([
    ['another protocol', '220 mail.example ESMTP\r\n', 'the answer is not HTTP'],
    ['another protocol, at its first bytes', 'SSH', 'the answer is not HTTP'],
    ['HTTP/2', '\0\0\x12\x04\0\0\0\0\0', 'the answer is not HTTP'],
    ['HTTP/2 in words', 'HTTP/2 200\r\n\r\n', 'the answer is not HTTP/1.1, but another version'],
    ['HTTP/0.9', '<html>', 'the answer is not HTTP'],
    ['a status that is none', 'HTTP/1.1 abc OK\r\n', 'the status line has no status of three digits'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n', 'the status line has no status of three digits'],
    ['no status', 'HTTP/1.1\r\n', 'the status line has no status of three digits'],
    ['no blank before the status', 'HTTP/1.1200 OK\r\n', 'the status line has no status of three digits'],
    ['101', 'HTTP/1.1 101 x\r\n\r\n', 'the answer is 101: it changes the protocol, unasked'],
    ['interim answers without end', 'HTTP/1.1 103 x\r\n\r\n'.repeat(17), 'more than 16 interim answers'],
  ])('%s', (_name, text, message) => {
    expect(readText(text)).toEqual({ kind: 'failed', code: 'FAIRLEAD_NOT_HTTP', message })
  })

  test.each([
    ['no size', 'x\r\n', 'FAIRLEAD_NOT_HTTP', 'a chunk does not begin with its size'],
    ['a negative size', '-1\r\n', 'FAIRLEAD_NOT_HTTP', 'a chunk does not begin with its size'],
    ['a size in 0x', '0x2\r\nok\r\n', 'FAIRLEAD_NOT_HTTP', 'a chunk does not begin with its size'],
    [
      'a size of 17 digits',
      `${'f'.repeat(17)}\r\n`,
      'FAIRLEAD_NOT_HTTP',
      'a chunk has a size that no body has',
    ],
    [
      'a size that no body has',
      `${'f'.repeat(16)}\r\n`,
      'FAIRLEAD_NOT_HTTP',
      'a chunk has a size that no body has',
    ],
    ['more than its size', '1\r\nok\r\n', 'FAIRLEAD_NOT_HTTP', 'a chunk is longer than it says'],
    [
      'an endless extension',
      `1;${'a'.repeat(5000)}`,
      'FAIRLEAD_RESPONSE_TOO_LARGE',
      'chunk extensions and trailer are longer than any server needs',
    ],
    [
      'extensions without end',
      `1;${'a'.repeat(1000)}\r\nx\r\n`.repeat(20),
      'FAIRLEAD_RESPONSE_TOO_LARGE',
      'chunk extensions and trailer are longer than any server needs',
    ],
    [
      'a trailer without end',
      `0\r\n${'a: b\r\n'.repeat(5000)}`,
      'FAIRLEAD_RESPONSE_TOO_LARGE',
      'chunk extensions and trailer are longer than any server needs',
    ],
  ])('chunks with %s', (_name, body, code, message) => {
    const text = `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${body}`
    expect(readText(text)).toEqual({ kind: 'failed', code, message })
  })

  test('a head above its bound', () => {
    const text = `HTTP/1.1 200 OK\r\nx-a: ${'a'.repeat(maxHeadBytes)}`
    expect(readText(text)).toMatchObject({ kind: 'failed', code: 'FAIRLEAD_RESPONSE_TOO_LARGE' })
  })

  test.each([
    ['nothing', '', 'closed without an answer'],
    ['half a head', 'HTTP/1.1 200 OK\r\ncontent-', 'closed before the end of its answer'],
    [
      'half a body',
      'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf',
      'closed before the end of its answer',
    ],
    [
      'half a chunk',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhalf',
      'closed before the end of its answer',
    ],
  ])('closed after %s', (_name, text, message) => {
    expect(readText(text, true)).toEqual({ kind: 'failed', code: 'ECONNRESET', message })
  })
})

/** Answers that are valid, in many forms, with what is valid but rare among them. */
const aBody = fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes).toString('latin1'))
const chunked = fc
  .tuple(
    fc.array(aBody.filter(text => text !== '')),
    fc.constantFrom('', ';a', ';a=b;c="d e"'),
    fc.constantFrom('', 'x-t: 1\r\n'),
  )
  .map(([chunks, extension, trailer]) => {
    const text = chunks.map(chunk => `${chunk.length.toString(16)}${extension}\r\n${chunk}\r\n`).join('')
    return {
      lines: 'transfer-encoding: chunked\r\n',
      text: `${text}0${extension}\r\n${trailer}\r\n`,
      body: chunks.join(''),
    }
  })
const measured = aBody.map(body => ({ lines: `Content-Length: ${body.length}\r\n`, text: body, body }))
const anAnswer = fc
  .record({
    interim: fc.constantFrom('', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n', 'HTTP/1.1 102 x\r\n\r\n'),
    status: fc.constantFrom(200, 202, 302, 400, 429, 503, 599),
    reason: fc.constantFrom(' OK', ' ', ''),
    headers: fc.array(
      fc.constantFrom(
        'x-a: b\r\n',
        'Retry-After: 7\r\n',
        'location: /x\r\n',
        'content-encoding: br\r\n',
        'X-B:\r\n',
        'server:\t nginx \t\r\n',
      ),
      { maxLength: 6 },
    ),
    content: fc.oneof(measured, chunked),
  })
  .map(({ interim, status, reason, headers, content }) => ({
    text: `${interim}HTTP/1.1 ${status}${reason}\r\n${headers.join('')}${content.lines}\r\n${content.text}`,
    body: content.body,
  }))

/** Something like an answer: a valid one with bytes changed, put in and taken out. */
const aMutation = fc.record({
  at: fc.nat(400),
  remove: fc.nat(3),
  insert: fc.constantFrom(
    '',
    '\r',
    '\n',
    '\r\n',
    ' ',
    '\t',
    '\0',
    ':',
    ',',
    ';',
    '0',
    'f',
    '\xff',
    'HTTP/1.1 200 OK\r\n\r\n',
  ),
})
const aMutant = fc
  .tuple(anAnswer, fc.array(aMutation, { maxLength: 4 }))
  .map(([{ text }, mutations]) =>
    mutations.reduce(
      (mutant, { at, remove, insert }) => mutant.slice(0, at) + insert + mutant.slice(at + remove),
      text,
    ),
  )

test('any cuts of the bytes give the same result, of valid answers and of broken ones', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        anAnswer.map(({ text }) => text),
        aMutant,
      ),
      fc.array(fc.nat(600)),
      fc.boolean(),
      (text, cuts, closed) => {
        const bytes = bytesOf(text)
        const at = [...new Set([0, ...cuts.filter(cut => cut < bytes.length), bytes.length])].sort(
          (a, b) => a - b,
        )
        const pieces = at.slice(1).map((end, i) => bytes.subarray(at[i], end))
        const singly = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))
        const whole = read([bytes], closed)
        expect(read(pieces, closed)).toEqual(whole)
        expect(read(singly, closed)).toEqual(whole)
      },
    ),
    { numRuns: 1500 },
  )
})

test('bytes of any kind end in a result or an EgressError, and hold no more than is kept', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 300 }), aMutant.map(bytesOf)),
      fc.nat(50),
      (bytes, keepBytes) => {
        const got = read([bytes], true, keepBytes)
        if (got.kind === 'read') expect(got.body!.length).toBeLessThanOrEqual(keepBytes)
        expect(got.kind).not.toBe('unfinished')
      },
    ),
    { numRuns: 1500 },
  )
})

test('heads and chunks that drip byte for byte up to their bounds cost no more than their length', () => {
  const drip = (text: string) => {
    const start = process.cpuUsage()
    const bytes = bytesOf(text)
    read(Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)))
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1000
  }
  drip(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(1000)}`)
  const headMs = drip(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(maxHeadBytes - 100)}`)
  const chunksMs = drip(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(30_000)}`)
  // Of the order of 10 and 100 ms; a quadratic one takes seconds.
  expect(headMs).toBeLessThan(2000)
  expect(chunksMs).toBeLessThan(5000)
})

test("valid answers are read as node's own client reads them", async () => {
  let text = ''
  await using server = await startRawServer(socket => socket.on('data', () => socket.write(text, 'latin1')))
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = async () => {
    const asked = request({ port: server.port, host: '127.0.0.1', agent })
    asked.end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk)
    const { statusCode: status, headers } = response
    return {
      status,
      retryAfter: headers['retry-after'],
      location: headers.location,
      contentEncoding: headers['content-encoding'],
      body: Buffer.concat(chunks).toString('latin1'),
    }
  }
  await fc.assert(
    fc.asyncProperty(anAnswer, async answer => {
      text = answer.text
      const ours = readText(text)
      expect(ours).toMatchObject({ ...(await ask()), reusable: true })
      expect(ours).toMatchObject({ body: answer.body })
    }),
    { numRuns: 200 },
  )
  agent.destroy()
})
