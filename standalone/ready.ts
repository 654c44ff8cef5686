import { setTimeout as delay } from 'node:timers/promises'
import type { Health } from '@fairlead/daemon/health'
import { emptyFolder, mergeFolder } from '@fairlead/operator/files/merge'
import { readFolder } from '@fairlead/operator/files/read-folder'
import { StartError } from '@fairlead/servers/start-error'
import type { ReceiverProcess } from './receiver-process.ts'

/** How long the services may take to be ready, in ms; the servers have had their own time before. */
const readyDeadlineMs = 60_000

export async function untilAllReady(health: Health, listenHost: string, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + readyDeadlineMs
  for (;;) {
    signal.throwIfAborted()
    const response = await fetch(`http://${hostInUrl(listenHost)}:${health.port}/readyz`)
    const { checks } = (await response.json()) as { checks: { name: string; ok: boolean; reason?: string }[] }
    if (response.ok) return
    if (performance.now() > deadline) {
      const open = checks.filter(({ ok }) => !ok).map(({ name, reason }) => `${name}: ${reason}`)
      throw new StartError(
        'server_failed',
        `not ready after ${readyDeadlineMs / 1000} s (${open.join('; ')}): see logs/fairlead.log`,
      )
    }
    await delay(20)
  }
}

/**
 * What is reconciled reaches the receiver a moment later, by the configuration bucket. An Organization that can't be
 * reconciled never does; the others aren't held up for it.
 */
export async function untilReceiverKnows(
  organizations: number,
  receiver: ReceiverProcess,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + 5_000
  while (performance.now() < deadline) {
    signal.throwIfAborted()
    const known = /^fairlead_receiver_organizations (\d+)$/m.exec(await receiver.metrics())?.[1]
    if (Number(known ?? 0) >= organizations) return
    await delay(10)
  }
}

export async function countOrganizations(folder: string): Promise<number> {
  return mergeFolder(emptyFolder, await readFolder(folder), new Map(), Date.now()).organizations.size
}

/** Where to reach what listens on this address, in a URL. */
export function hostInUrl(listenHost: string): string {
  if (listenHost === '0.0.0.0' || listenHost === '::') return 'localhost'
  return listenHost.includes(':') ? `[${listenHost}]` : listenHost
}
