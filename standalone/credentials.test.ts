import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { connect as dial } from 'node:net'
import { join } from 'node:path'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { freeSettings, startStandalone } from '@fairlead/testbed/standalone'
import { until } from '@fairlead/testbed/until'
import { connectNats } from '@fairlead/wire/connect'
import { MemberRole } from '@fairlead/wire/store/member'
import { connectStore } from '@fairlead/wire/store-client'
import { expect, test } from 'vitest'

/** Says something to a port and answers with what comes back first. */
async function say(port: number, text: string): Promise<string> {
  const socket = dial(port, '127.0.0.1')
  let answer = ''
  socket.on('data', data => (answer += String(data))).on('error', () => {})
  socket.write(text)
  try {
    await until(() => answer.includes('\n') && answer)
    return answer
  } finally {
    socket.destroy()
  }
}

test('another user of this machine gets no key, body or log out of npm start, also on a home of before', async () => {
  await using folder = await scratchFolder()
  const settings = await freeSettings(join(folder.path, 'home'))
  // As an older Fairlead left it: open to everyone.
  await mkdir(join(settings.home, 'logs'), { recursive: true, mode: 0o755 })
  await mkdir(join(settings.home, 'nats'), { mode: 0o755 })
  await writeFile(join(settings.home, 'store-url'), 'http://127.0.0.1:1\n', { mode: 0o644 })
  await using standalone = startStandalone(settings)
  await standalone.ready()
  const kept = async (name: string) => (await readFile(join(settings.home, name), 'utf8')).trim()
  const portOf = async (server: string, pattern: RegExp) => Number(pattern.exec(await kept(server))?.[1])

  const url = await kept('store-url')
  await using stranger = connectStore(url, { timeoutMs: 60_000 })
  const makeKey = { name: 'stolen', role: MemberRole.OWNER }
  await expect(stranger.apiKeys.createApiKey(makeKey)).rejects.toThrow(/asks for a token/)
  await using guesser = connectStore(url, { timeoutMs: 60_000, token: 'x'.repeat(32) })
  await expect(guesser.organizations.listOrganizations({})).rejects.toThrow(/asks for a token/)
  await using owner = connectStore(url, { token: await kept('store-token') })
  expect((await owner.organizations.listOrganizations({})).organizations.length).toBeGreaterThan(0)

  const natsPort = await portOf('nats/nats.conf', /listen: 127\.0\.0\.1:(\d+)/)
  const natsUrl = `nats://127.0.0.1:${natsPort}`
  await expect(connectNats({ url: natsUrl, name: 'stranger' })).rejects.toThrow(/uthorization/)
  const login = { user: 'fairlead', password: await kept('nats-password') }
  const nats = await connectNats({ url: natsUrl, name: 'owner', ...login })
  await nats.close()

  const redisPort = await portOf('redis/redis.conf', /^port "(\d+)"/m)
  expect(await say(redisPort, 'KEYS *\r\n')).toMatch(/^-NOAUTH/)
  // Arguments are shown to every user of the machine.
  const shown = await readFile(`/proc/${await standalone.pidOf('redis')}/cmdline`, 'utf8')
  expect(shown).not.toContain(await kept('redis-password'))
  expect(standalone.output).not.toContain(await kept('store-token'))

  const modeOf = async (name: string) => ((await stat(join(settings.home, name))).mode & 0o777).toString(8)
  expect(await modeOf('.')).toBe(process.getuid?.() === 0 ? '711' : '700')
  for (const name of ['logs', 'nats', 'redis', 'run', 'postgres'])
    expect([name, await modeOf(name)]).toEqual([name, '700'])
  for (const name of [
    'store-url',
    'store-token',
    'nats-password',
    'redis-password',
    'admin-key',
    'encryption-keys',
  ]) {
    expect([name, await modeOf(name)]).toEqual([name, '600'])
  }
  const metrics = await (await fetch(`http://127.0.0.1:${settings.metricsPort}/metrics`)).text()
  for (const name of ['store-token', 'nats-password', 'redis-password', 'admin-key', 'encryption-keys']) {
    expect(metrics.includes(await kept(name)), name).toBe(false)
  }
}, 240_000)
