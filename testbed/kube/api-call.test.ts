import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeCertificates } from '../cluster/certificates.ts'
import { scratchFolder } from '../scratch.ts'
import { openApiCalls } from './api-call.ts'

let folder: Awaited<ReturnType<typeof scratchFolder>>
beforeAll(async () => {
  folder = await scratchFolder()
  await makeCertificates(folder.path)
})
afterAll(() => folder[Symbol.asyncDispose]())

async function listen(answer: RequestListener) {
  const read = (file: string) => readFile(join(folder.path, file))
  const server = createServer({ cert: await read('apiserver.crt'), key: await read('apiserver.key') }, answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: await read('ca.crt'),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A server that answers each request but the second: it carries the second request out and then breaks its connection. */
async function breaking() {
  const done: string[] = []
  const server = await listen(({ method, url, socket }, response) => {
    done.push(`${method} ${url}`)
    if (done.length === 2) socket.destroy()
    else response.end('{}')
  })
  return { ...server, done }
}

test.each(['GET', 'apply'] as const)(
  '%s fails because the API server has closed an idle connection',
  async kind => {
    await using server = await breaking()
    using kube = openApiCalls(server.url, 'test-only', server.ca)
    await kube.call('GET', '/first')
    await (kind === 'GET' ? kube.call('GET', '/x') : kube.apply('/x', {}))
    expect(server.done.length).toBe(3)
    expect(server.done[2]).toBe(server.done[1])
  },
)

test.each(['POST', 'DELETE'] as const)('%s is done twice when a connection breaks after it', async method => {
  await using server = await breaking()
  using kube = openApiCalls(server.url, 'test-only', server.ca)
  await kube.call('GET', '/first')
  await expect(kube.call(method, '/x')).rejects.toThrow('socket hang up')
  expect(server.done).toEqual(['GET /first', `${method} /x`])
})

test('a call waits for ever for an API server that hangs, or asks it again', async () => {
  const asked: string[] = []
  await using server = await listen(({ url }, response) => {
    asked.push(url!)
    if (url === '/first') response.end('{}')
  })
  using kube = openApiCalls(server.url, 'test-only', server.ca, 3_000)
  await kube.call('GET', '/first')
  await expect(kube.call('GET', '/x')).rejects.toThrow('GET /x: no answer of the API server in 3 s')
  expect(asked).toEqual(['/first', '/x'])
})
