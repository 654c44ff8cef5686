import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { openSmtp } from './smtp.ts'

test('a mail server that says a word now and then, and never takes the mail, holds the mails of others for minutes', async () => {
  const closed: Promise<unknown>[] = []
  const server = createServer((socket: Socket) => {
    socket.on('error', () => {})
    // RFC 5321, 4.2.1: the line goes on.
    const words = setInterval(() => socket.write('220-one moment\r\n'), 20)
    closed.push(once(socket, 'close').finally(() => clearInterval(words)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    using mailer = openSmtp(
      `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
      'test@example.com',
      300,
    )
    const mail = { to: 'ada@example.com', subject: 'Test', text: 'Test' }
    await expect(mailer.send(mail)).rejects.toThrow()
    expect(closed).toHaveLength(1)
    await Promise.all(closed)
  } finally {
    server.close()
  }
})
