import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const script = join(import.meta.dirname, '../../charts/fairlead/test.mjs')
const good = {
  sent: 9,
  lost: 0,
  refused: 0,
  oldestOpenSeconds: 0,
  slowestMs: { accept: 5, first_attempt: 9 },
}

/** What `helm test` runs, beside a platform that delivers its webhook, and a prober that answers so after some seconds. */
async function runGate(report: (seconds: number) => object) {
  const startMs = performance.now()
  const asked = { reports: 0 }
  const server = createServer((request, response) => {
    request.resume()
    if (request.method === 'POST') return response.end('{"id":"evt_1"}')
    if (!request.url!.startsWith('/report')) return response.end('{"status":"success"}')
    asked.reports++
    return response.end(
      JSON.stringify({ intervalSeconds: 0.5, ...report((performance.now() - startMs) / 1000) }),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const env = {
    LONGEST_GAP_MS: '1000',
    ...{ RECEIVER_URL: url, API_URL: url, PROBER_URL: url, PROBED_SECONDS: '60' },
    ...{
      ORGANIZATION: 'test',
      SOURCE: 'github',
      WEBHOOK_SECRET: 'test-only-secret',
      API_KEY: 'test-only-key',
    },
  }
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [script], { env })
    return { passed: true, said: stdout, ...asked }
  } catch (error) {
    return { passed: false, said: String((error as { stderr: string }).stderr), ...asked }
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

test('the gate of an upgrade looks for longer than a probe may be on its way, and then passes', async () => {
  const { passed, said, reports } = await runGate(() => good)
  expect([passed, said]).toEqual([true, expect.stringContaining('probes of the last 60 s')])
  expect(reports).toBeGreaterThan(2)
}, 240_000)

test('an upgrade that has just blocked the way does not pass the gate before that shows', async () => {
  const blocked = (seconds: number) => ({
    ...good,
    oldestOpenSeconds: seconds < 4 ? seconds : 0,
    slowestMs: { accept: 5, first_attempt: seconds < 4 ? 9 : 4_000 },
  })
  const { passed, said } = await runGate(blocked)
  expect([passed, said]).toEqual([false, expect.stringContaining('first_attempt: nothing passed for 4 s')])
}, 240_000)
