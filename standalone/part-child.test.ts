import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { receiverConfig } from '@fairlead/receiver/config'
import { testEncryptionKeys } from '@fairlead/testbed/configuration'
import { until } from '@fairlead/testbed/until'
import { expect, test } from 'vitest'
import type { Question, Report } from './part-process.ts'

test('a part that crashes leaves the reason in the log', async () => {
  const child = fork(join(import.meta.dirname, 'part-child.ts'), ['receiver'], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const lines: string[] = []
  child.on('message', (report: Report) => {
    if (report.kind === 'logged') lines.push(...report.lines)
  })
  const closed = once(child, 'close')
  const config = receiverConfig.parse({
    FAIRLEAD_NATS_URL: 'nats://127.0.0.1:1',
    FAIRLEAD_REDIS_URL: 'redis://127.0.0.1:1',
    FAIRLEAD_ENCRYPTION_KEYS: testEncryptionKeys,
    FAIRLEAD_PUBLIC_URL: 'http://127.0.0.1:1',
  })
  child.send({ kind: 'start', part: { name: 'receiver', config }, level: 'info' } satisfies Question)
  // No question: what reads it throws.
  child.send(null as never)
  const [code] = await closed
  expect(code).toBe(1)
  await until(() => lines.some(line => line.includes('process.crashed') && line.includes('TypeError')), {
    what: 'the reason in the log',
  })
})
