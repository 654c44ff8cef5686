import { connect as connectTcp } from 'node:net'
import { putConfiguration } from '@fairlead/testbed/configuration'
import { until } from '@fairlead/testbed/until'
import { expect, test } from 'vitest'
import { openAcme, other } from './fixtures/acme.ts'

test('while NATS is away the answer is 503 with Retry-After, and afterwards 200 again', async () => {
  await using opened = await openAcme({ FAIRLEAD_PUBLISH_TIMEOUT_MS: '300' })
  // 300 ms may be too short once, on a slow machine.
  await until(async () => (await opened.github('{"n":1}')).status === 200, { what: '200 at first' })
  await opened.server.kill9()
  const refused = await opened.github('{"n":2}')
  expect(refused.status).toBe(503)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  expect(await refused.json()).toMatchObject({ code: 'unavailable' })
  await opened.server.restart()
  await until(async () => (await opened.github('{"n":3}')).status === 200, { what: '200 after the restart' })
})

test('requests above the bound on waiting publishes are refused at once, and one organization leaves room for others', async () => {
  await using opened = await openAcme({ FAIRLEAD_MAX_REQUESTS: '16', FAIRLEAD_PUBLISH_TIMEOUT_MS: '30000' })
  await putConfiguration(opened.nats, other)
  await until(async () => (await opened.postOther('{}')).status === 200, { what: 'the other organization' })

  process.kill(opened.server.pid, 'SIGSTOP')
  const refused: Response[] = []
  const answers: Promise<Response>[] = []
  try {
    for (let n = 0; n < 12; n++) {
      answers.push(
        opened.github(`{"n":${n}}`).then(answer => {
          if (answer.status === 503) refused.push(answer)
          return answer
        }),
      )
    }
    await until(() => refused.length === 4, { what: 'the refusal of what is beyond its half' })
    answers.push(opened.postOther('{"o":1}'))
  } finally {
    process.kill(opened.server.pid, 'SIGCONT')
  }
  const statuses = (await Promise.all(answers)).map(({ status }) => status)
  expect(statuses.filter(status => status === 503)).toHaveLength(4)
  expect(statuses.at(-1)).toBe(200)
  expect(refused[0]!.headers.get('retry-after')).toBe('1')
  expect(await refused[0]!.json()).toMatchObject({
    code: 'unavailable',
    detail: 'too much is being received',
  })
  // Not a line for each: refusing must cost little.
  await until(() => opened.lines.some(({ msg }) => msg === 'requests.refused'), {
    what: 'a line that counts them',
  })
  expect(opened.lines.filter(({ msg }) => msg === 'requests.refused')).toMatchObject([
    { organization: 'acme', source: 'github', code: 'unavailable', reason: 'overloaded', count: 4 },
  ])
})

test('requests to unknown sources or above a rate fill no log', async () => {
  await using opened = await openAcme()
  const many = Array.from({ length: 50 }, (_, n) => `{"n":${n}}`)
  await Promise.all(many.map(body => opened.post('/webhooks/nobody/github', body)))
  const answers = await Promise.all(many.map(body => opened.github(body, {}, 'slow')))
  const limited = answers.filter(({ status }) => status === 429).length
  expect(limited).toBeGreaterThan(25)

  const lines = (code: string) =>
    opened.lines.filter(line => line.msg === 'requests.refused' && line.code === code)
  const counted = (code: string) => lines(code).reduce((sum, { count }) => sum + Number(count), 0)
  await until(() => counted('rate_limited') === limited, { what: 'lines that count them' })
  expect(counted('unknown_source')).toBe(50)
  expect(lines('rate_limited')[0]).toMatchObject({ organization: 'acme', source: 'slow' })
  expect(lines('rate_limited').length + lines('unknown_source').length).toBeLessThan(25)
  const metric = await opened.registry.getSingleMetric('fairlead_requests_refused_total')!.get()
  const above = metric.values.filter(({ value }) => value > 0)
  expect(Object.fromEntries(above.map(({ labels, value }) => [labels.code, value]))).toEqual({
    unknown_source: 50,
    rate_limited: limited,
  })
})

test('slow senders lose their permits to requests whose bodies are whole', async () => {
  await using opened = await openAcme({ FAIRLEAD_MAX_REQUESTS: '16' })
  const sockets = Array.from({ length: 40 }, () => {
    const socket = connectTcp(opened.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('POST /webhooks/acme/github HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc')
    return socket
  })
  try {
    await until(async () => (await opened.github('{"quick":1}')).status === 200, { what: 'a permit' })
    const answers = await Promise.all([1, 2, 3].map(n => opened.github(`{"n":${n}}`)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  } finally {
    for (const socket of sockets) socket.destroy()
  }
})

test('a full stream is answered 503: no accepted event is pushed out', async () => {
  await using opened = await openAcme()
  await opened.github('{"n":1}')
  await opened.manager.streams.update('EVENTS', { max_msgs: 1 })
  expect((await opened.github('{"n":2}')).status).toBe(503)
  expect((await opened.stored(1)).body.toString()).toBe('{"n":1}')
})

test('a header that never ends and a body that never comes hold up no other request', async () => {
  await using opened = await openAcme()
  const sockets = Array.from({ length: 50 }, (_, i) => {
    const socket = connectTcp(opened.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('POST /webhooks/acme/github HTTP/1.1\r\nhost: x\r\n')
    if (i % 2) socket.write('content-length: 100\r\n\r\nabc')
    return socket
  })
  try {
    expect((await opened.github('{"quick":1}')).status).toBe(200)
  } finally {
    for (const socket of sockets) socket.destroy()
  }
})
