import { Counter, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { exposedText } from './exposition.ts'
import { openHealth } from './health.ts'

async function ask(port: number, path: string) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  return { status: response.status, text: await response.text() }
}

const open = (registry = new Registry()) =>
  openHealth({ port: 0, host: '127.0.0.1', exposed: format => exposedText(registry, format) })

test('a process is alive whatever its dependencies do', async () => {
  await using health = await open()
  health.check('nats', () => 'not connected')
  const { status, text } = await ask(health.port, '/livez')
  expect(status).toBe(200)
  expect(JSON.parse(text)).toMatchObject({ status: 'alive' })
})

test('a process without a check yet is not ready, and gets no work', async () => {
  await using health = await open()
  const { status, text } = await ask(health.port, '/readyz')
  expect(status).toBe(503)
  expect(JSON.parse(text)).toMatchObject({ status: 'starting', checks: [] })
})

test('ready once every check passes, and the failing ones say why and since when', async () => {
  await using health = await open()
  let reason: string | undefined = 'not connected'
  health.check('nats', () => reason)
  health.check('config', async () => undefined)
  const before = await ask(health.port, '/readyz')
  expect(before.status).toBe(503)
  const body = JSON.parse(before.text)
  expect(body).toMatchObject({
    status: 'unready',
    checks: [
      { name: 'nats', ok: false, reason: 'not connected' },
      { name: 'config', ok: true },
    ],
  })
  const again = JSON.parse((await ask(health.port, '/readyz')).text)
  expect(again.checks[0].since).toBe(body.checks[0].since)
  reason = undefined
  const after = await ask(health.port, '/readyz')
  expect(after.status).toBe(200)
  expect(JSON.parse(after.text).status).toBe('ready')
})

test('a check that throws has failed; a check that was removed is not asked', async () => {
  await using health = await open()
  health.check('nats', () => undefined)
  const check = health.check('store', () => {
    throw new Error('refused')
  })
  expect(JSON.parse((await ask(health.port, '/readyz')).text).checks[1].reason).toBe('refused')
  check[Symbol.dispose]()
  expect((await ask(health.port, '/readyz')).status).toBe(200)
})

test('a check that never answers fails after two seconds instead of hanging the probe', async () => {
  await using health = await open()
  health.check('stuck', () => new Promise(() => {}))
  expect(JSON.parse((await ask(health.port, '/readyz')).text).checks[0].reason).toBe('no answer in 2000 ms')
})

test('draining is not ready', async () => {
  await using health = await open()
  health.drain()
  const { status, text } = await ask(health.port, '/readyz')
  expect(status).toBe(503)
  expect(JSON.parse(text).status).toBe('draining')
})

test('metrics are those of the given registry', async () => {
  const registry = new Registry()
  new Counter({ name: 'fairlead_things_total', help: 'Things', registers: [registry] }).inc(3)
  await using health = await open(registry)
  expect((await ask(health.port, '/metrics')).text).toContain('fairlead_things_total 3')
  expect((await ask(health.port, '/')).status).toBe(404)
})
