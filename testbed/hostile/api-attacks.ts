import { randomUUID } from 'node:crypto'
import { Agent } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { type Attack, ask, hook, json, loops, mebibyte, signed, type Target } from './attack.ts'
import { attacker } from './tenants.ts'

/* What one tenant can do to the others by calls of the API that it may make. */

const organization = `/api/v1/organizations/${attacker}`
const unread = 200

/** An event of 8 MiB of its own, asked for over 200 connections, and not read. */
export const unreadAnswers: Attack = async (target, signal, answered, began) => {
  const path = await largeEvent(target, signal)
  const { apiPort: port, attackerKey } = target
  const open = new Set<Socket>()
  const askOnly = () => {
    const socket = connect(port, '127.0.0.1')
    open.add(socket)
    socket.pause()
    socket.on('error', () => {})
    socket.once('close', () => open.delete(socket))
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${attackerKey}\r\n\r\n`)
  }
  for (let i = 0; i < unread; i++) askOnly()
  began()
  const headers = { authorization: `Bearer ${attackerKey}` }
  await loops(2, signal, answered, () => {
    while (open.size < unread) askOnly()
    return { port, path, method: 'GET', headers }
  })
  for (const socket of open) socket.destroy()
}

async function largeEvent(
  { receiverPort, apiPort, attackerKey }: Target,
  signal: AbortSignal,
): Promise<string> {
  const agent = new Agent({ keepAlive: true })
  const body = JSON.stringify({ pad: 'x'.repeat(8 * mebibyte - 1_000) })
  const [, text] = await ask(agent, {
    port: receiverPort,
    path: hook('github'),
    headers: {
      ...json,
      'x-github-event': 'push',
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': signed(body),
    },
    body,
  })
  const path = `${organization}/events/${(JSON.parse(text) as { id: string }).id}`
  const headers = { authorization: `Bearer ${attackerKey}` }
  for (let status = 0; status !== 200 && !signal.aborted; await delay(50))
    [status] = await ask(agent, { port: apiPort, method: 'GET', path, headers })
  agent.destroy()
  return path
}

/** As many settings as it may have, and then one of them changed again and again. */
export const settingsWithoutEnd: Attack = async ({ apiPort: port, attackerKey }, signal, answered) => {
  const agent = new Agent({ keepAlive: true })
  const headers = { ...json, authorization: `Bearer ${attackerKey}` }
  const lines = Array.from({ length: 20 }, (_, i) => ({ name: `x-${i}`, value: 'test-only'.repeat(900) }))
  for (let i = 0, status = 201; status === 201 && i < 40 && !signal.aborted; i++) {
    const made = { name: `vast-${i}`, url: 'https://vast.example/hooks', headers: lines }
    const path = `${organization}/destinations`
    ;[status] = await ask(agent, { port, path, headers, body: JSON.stringify(made) })
  }
  await loops(4, signal, answered, n => ({
    port,
    path: `${organization}/destinations/own/${n % 2 ? 'resume' : 'pause'}`,
    headers,
  }))
  agent.destroy()
}
