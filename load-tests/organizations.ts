import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freeSettings, startStandalone } from '@fairlead/testbed/standalone'
import { readCpu } from './cpu.ts'

/**
 * How long Fairlead, with all its parts, takes to start with many organizations of five sources each:
 *
 *   node load-tests/organizations.ts [--organizations 2000] [--starts 2]
 *
 * Prints for each start the wall-clock seconds until ready, the CPU seconds of all its processes until then (of the
 * main process alone, and of the others), and the memory of the main process (RSS, MiB). All starts have one home: the
 * first finds nothing, the others find what was reconciled before.
 */
const { values } = parseArgs({
  options: {
    organizations: { type: 'string', default: '2000' },
    starts: { type: 'string', default: '2' },
  },
})
const sourcesEach = 5
const scratch = await mkdtemp(join(tmpdir(), 'fairlead-organizations-'))
try {
  const folder = join(scratch, 'declared')
  await mkdir(folder)
  for (let i = 0; i < Number(values.organizations); i++) {
    await writeFile(join(folder, `org-${i}.yaml`), declaration(`org-${i}`))
  }
  const settings = { ...(await freeSettings(join(scratch, 'home'))), organizations: folder }
  for (let start = 1; start <= Number(values.starts); start++) await measure(start, settings)
} finally {
  await rm(scratch, { recursive: true, force: true })
}

async function measure(start: number, settings: Parameters<typeof startStandalone>[0]): Promise<void> {
  await using fairlead = startStandalone(settings)
  const readyMs = await fairlead.ready({ deadlineMs: 600_000 })
  const main = await fairlead.pidOf('fairlead')
  const pids = {
    nats: 'nats',
    postgres: 'postgres',
    redis: 'redis',
    receiver: 'receiver',
    worker: 'worker',
  } as const
  const others = await Promise.all(
    Object.values(pids).map(async name => [name, await fairlead.pidOf(name)] as const),
  )
  const cpu = readCpu({ main, ...Object.fromEntries(others) })
  const total = [...cpu.values()].reduce((sum, seconds) => sum + seconds, 0)
  const rss = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${main}/status`, 'utf8'))?.[1]) / 1024
  const parts = [...cpu].map(([name, seconds]) => `${name} ${seconds.toFixed(1)}`).join(', ')
  console.log(
    `start ${start}: ready after ${(readyMs / 1000).toFixed(1)} s; CPU ${total.toFixed(1)} s (${parts}); main process ${rss.toFixed(0)} MiB`,
  )
}

/** An Organization and its Secret: five sources, each with a destination and a route. */
function declaration(name: string): string {
  const numbers = Array.from({ length: sourcesEach }, (_, i) => i)
  const each = (write: (i: number) => string) => numbers.map(write).join('')
  const secrets = each(i => `  s${i}: test-only-secret-${name}-${i}\n`)
  const sources = each(
    i =>
      `    - name: s${i}\n      provider: github\n      secrets: [{ secretRef: { name: ${name}-keys, key: s${i} } }]\n`,
  )
  const destinations = each(
    i => `    - name: d${i}\n      url: http://127.0.0.1:9/${name}/${i}\n      allowInsecureHttp: true\n`,
  )
  const routes = each(i => `    - source: s${i}\n      eventTypes: ["*"]\n      destinations: [d${i}]\n`)
  return `apiVersion: v1
kind: Secret
metadata: { name: ${name}-keys }
stringData:
${secrets}---
apiVersion: fairlead.dev/v1alpha1
kind: Organization
metadata: { name: ${name} }
spec:
  sources:
${sources}  destinations:
${destinations}  routes:
${routes}`
}
