import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { apiKeyText } from '@fairlead/wire/api-key'
import { settingsWithoutEnd, unreadAnswers } from './api-attacks.ts'
import { type Attack, ask, hook, json, loops, mebibyte, type Post, signed } from './attack.ts'
import { puzzle } from './tenants.ts'

const form = { 'content-type': 'application/x-www-form-urlencoded' }

/** Bodies that a parser could take long for, each larger than the one before. */
const hostileBodies: readonly Omit<Post, 'port'>[] = [1 / 4, 1, 2].flatMap(mebibytes => {
  const pairs = Buffer.alloc(mebibytes * mebibyte, 'a&')
  const nested = Buffer.alloc(4 * mebibytes * mebibyte, '[')
  return [
    { path: hook('braintree'), headers: form, body: pairs },
    { path: hook('twilio'), headers: { ...form, 'x-twilio-signature': 'x' }, body: pairs },
    { path: hook('adyen'), headers: json, body: nested },
    { path: hook('sns'), headers: json, body: nested },
    { path: hook('mailgun'), headers: json, body: nested },
  ]
})

const hostile: Attack = ({ receiverPort: port }, signal, answered) =>
  loops(2, signal, answered, n => ({ port, ...hostileBodies[n % hostileBodies.length]! }))

const stuck = 40

/** Uploads that stop one byte short, made anew when they are given up. */
const stuckUploads: Attack = async ({ receiverPort: port }, signal, answered, began) => {
  const bytes = 8 * mebibyte
  const body = Buffer.alloc(bytes - 1, 'x')
  let open = 0
  await Promise.all(
    Array.from({ length: stuck }, async () => {
      while (!signal.aborted) {
        const socket = connect(port, '127.0.0.1')
        socket.on('error', () => {})
        socket.write(`POST ${hook('github')} HTTP/1.1\r\nhost: x\r\ncontent-length: ${bytes}\r\n\r\n`)
        socket.write(body)
        socket.once('connect', () => {
          if (++open === stuck) began()
        })
        const stop = () => socket.destroy()
        signal.addEventListener('abort', stop)
        let text = ''
        socket.on('data', chunk => (text += chunk.toString('latin1')))
        await new Promise(resolve => socket.once('close', resolve))
        signal.removeEventListener('abort', stop)
        answered(Number(text.slice(9, 12)))
        if (!signal.aborted) await delay(100)
      }
    }),
  )
}

/** A tenant's own webhooks, each of them right, over 300 connections. */
const signedFlood: Attack = ({ receiverPort: port }, signal, answered) => {
  const body = JSON.stringify({ ref: 'refs/heads/main', pad: 'x'.repeat(2000) })
  const headers = { ...json, 'x-github-event': 'push', 'x-hub-signature-256': signed(body) }
  return loops(300, signal, answered, () => ({
    port,
    path: hook('github'),
    headers: { ...headers, 'x-github-delivery': randomUUID() },
    body,
  }))
}

/** Requests that nobody may send: no such source, a wrong signature, addresses of keys that the sender made up. */
const strangers: Attack = ({ receiverPort: port }, signal, answered) => {
  const kinds: readonly ((n: number) => Omit<Post, 'port'>)[] = [
    () => ({ path: '/webhooks/nobody/nothing', headers: json, body: '{}' }),
    n => ({
      path: hook('github'),
      headers: { ...json, 'x-hub-signature-256': signed(`${n}`) },
      body: '{"forged":true}',
    }),
    n => ({ path: hook('sns'), headers: json, body: unsignedNotification(n) }),
    n => ({ path: hook('paypal'), headers: unsignedTransmission(n), body: '{"id":"WH-1"}' }),
  ]
  return loops(64, signal, answered, n => ({ port, ...kinds[n % kinds.length]!(n) }))
}

const unsignedNotification = (n: number): string =>
  JSON.stringify({
    Type: 'Notification',
    MessageId: randomUUID(),
    TopicArn: 'arn:aws:sns:us-east-1:000000000000:test',
    Message: 'x',
    Timestamp: new Date().toISOString(),
    SignatureVersion: '2',
    Signature: Buffer.alloc(256, n).toString('base64'),
    SigningCertURL: `https://sns.us-east-1.amazonaws.com/SimpleNotificationService-${n}.pem`,
  })

const unsignedTransmission = (n: number): Record<string, string> => ({
  ...json,
  'paypal-auth-algo': 'SHA256withRSA',
  'paypal-cert-url': `https://api.paypal.com/v1/notifications/certs/CERT-${n}`,
  'paypal-transmission-id': randomUUID(),
  'paypal-transmission-sig': Buffer.alloc(256, n).toString('base64'),
  'paypal-transmission-time': new Date().toISOString(),
})

/** Two events a second, each for sixty destinations that can't be delivered to, at the victim's host. */
const brokenDestinations: Attack = async ({ receiverPort: port }, signal, answered) => {
  const agent = new Agent({ keepAlive: true })
  while (!signal.aborted) {
    const body = JSON.stringify({ id: randomUUID() })
    const headers = { ...json, 'x-github-event': 'push', 'x-hub-signature-256': signed(body) }
    const [status] = await ask(agent, {
      port,
      path: hook('breaking'),
      headers: { ...headers, 'x-github-delivery': randomUUID() },
      body,
    })
    answered(status)
    await delay(500, undefined, { signal }).catch(() => {})
  }
  agent.destroy()
}

/** Keys of the right form that nobody was given. */
const guessedKeys: Attack = ({ apiPort: port }, signal, answered) =>
  loops(32, signal, answered, () => ({
    port,
    method: 'GET',
    path: '/api/v1/organizations/victim/events',
    headers: { authorization: `Bearer ${apiKeyText('sk_live_fl_', randomBytes(32))}` },
  }))

/** A large request that was refused, explained again and again with a hundred sources that could have been meant. */
const explained: Attack = async ({ receiverPort, apiPort, puzzleKey }, signal, answered) => {
  const agent = new Agent({ keepAlive: true })
  const headers = { authorization: `Bearer ${puzzleKey}` }
  const path = `/api/v1/organizations/${puzzle}/rejections`
  const body = Buffer.alloc(254 * 1024, 'a=1&')
  await ask(agent, {
    port: receiverPort,
    path: `/webhooks/${puzzle}/twilio-0`,
    headers: { ...form, 'x-twilio-signature': 'x' },
    body,
  })
  let id: string | undefined
  while (id === undefined && !signal.aborted) {
    const [, text] = await ask(agent, { port: apiPort, method: 'GET', path, headers })
    id = (JSON.parse(text || '{}') as { items?: { id: string }[] }).items?.[0]?.id
    if (id === undefined) await delay(50)
  }
  await loops(4, signal, answered, () => ({ port: apiPort, method: 'GET', path: `${path}/${id}`, headers }))
  agent.destroy()
}

export const attacks = {
  'nobody attacks': async (_target, signal, _answered, began) => {
    began()
    if (!signal.aborted) await once(signal, 'abort')
  },
  'hostile bodies of growing size': hostile,
  'uploads that stop one byte short': stuckUploads,
  'a tenant’s own signed webhooks, 300 connections': signedFlood,
  'strangers: 404, 401, made-up key addresses': strangers,
  'sixty broken destinations at the same host': brokenDestinations,
  'a refusal explained with a hundred sources': explained,
  'guessed API keys': guessedKeys,
  'large answers that nobody reads': unreadAnswers,
  'large settings that change without an end': settingsWithoutEnd,
} satisfies Record<string, Attack>

export type AttackName = keyof typeof attacks
