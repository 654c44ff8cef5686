import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { until } from '@fairlead/testbed/until'
import { ProbeState } from '@fairlead/wire/store/organization'
import { expect, test } from 'vitest'
import { startProbed } from './fixtures/probed.ts'

const organization = `
apiVersion: fairlead.dev/v1alpha1
kind: Organization
metadata: { name: acme }
spec:
  slo: { freshness: { target: 0.99 } }
`

test('a way that any part blocks is told within a minute, and its end with the first arrivals', async () => {
  await using folder = await scratchFolder()
  await writeFile(join(folder.path, 'acme.yaml'), organization)
  await using probed = await startProbed(folder.path)
  const { organization: acme } = await probed.store.organizations.getOrganization({
    by: { case: 'slug', value: 'acme' },
  })
  const state = async (): Promise<ProbeState | undefined> => {
    const organizations = [{ organizationId: acme!.id, version: '' }]
    const answer = await probed.store.organizations.listHealth({ organizations })
    return answer.organizations[0]?.probe?.state
  }
  const becomes = async (wanted: ProbeState, deadlineMs: number) => {
    const startMs = performance.now()
    await until(async () => (await state()) === wanted, {
      deadlineMs,
      everyMs: 250,
      what: ProbeState[wanted],
    })
    return ((performance.now() - startMs) / 1_000).toFixed(1)
  }

  await becomes(ProbeState.ARRIVING, 120_000)
  for (const part of ['receiver', 'worker', 'nats'] as const) {
    const pid = await probed.pidOf(part)
    process.kill(pid, 'SIGSTOP')
    const failing = await becomes(ProbeState.FAILING, 60_000).finally(() => process.kill(pid, 'SIGCONT'))
    const arriving = await becomes(ProbeState.ARRIVING, 120_000)
    console.log(`${part} frozen: False after ${failing} s, True ${arriving} s after it went on`)
  }
  await probed.prober.stop()
  console.log(`prober gone: Unknown after ${await becomes(ProbeState.SILENT, 90_000)} s`)
  probed.prober.start()
  await becomes(ProbeState.ARRIVING, 60_000)
  await until(async () => (await probed.report()).oldestOpenSeconds < 10, {
    what: 'all probes to have arrived',
  })
  expect(await probed.report()).toMatchObject({ lost: 0 })
})
