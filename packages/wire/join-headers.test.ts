import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { joinHeaders } from './join-headers.ts'

test('a request is verified again with the very headers that Node gave the first time', async () => {
  const server = createServer((_request, response) => response.end())
  onTestFinished(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.end(
    [
      'POST / HTTP/1.1',
      'Host: one',
      'Content-Length: 0',
      'Authorization: first',
      'authorization: second',
      'User-Agent: one',
      'User-Agent: two',
      'X-Signature: a',
      'x-signature: b',
      'Cookie: a=1',
      'Cookie: b=2',
      'Set-Cookie: c=3',
      'Set-Cookie: d=4',
      'Empty:',
      'Connection: close',
      '',
      '',
    ].join('\r\n'),
  )
  const [request] = (await once(server, 'request')) as [IncomingMessage]
  expect(joinHeaders(request.rawHeaders)).toEqual({ ...request.headers })
})
