import { setTimeout as delay } from 'node:timers/promises'
import type { Health } from '@fairlead/daemon/health'
import { StartError } from '@fairlead/servers/start-error'
import type { Registry } from 'prom-client'
import type { PartProcess } from './part-process.ts'

/** How long the services may take to come nearer to readiness, in ms; the servers have had their own time before. */
const standstillMs = 60_000
/** How often a long start says how far it is, ms. */
const tellMs = 5_000

interface Check {
  readonly name: string
  readonly ok: boolean
  readonly reason?: string
}

/**
 * Waits for as long as there is progress: a check that has become sound, or fewer Organizations that are not reconciled.
 * @throws StartError `server_failed` after a minute without any
 */
export async function untilAllReady(
  health: Health,
  listenHost: string,
  signal: AbortSignal,
  progress: (line: string) => void,
): Promise<void> {
  let least = Number.POSITIVE_INFINITY
  let movedMs = performance.now()
  let toldMs = performance.now()
  // Each question makes all parts look at what they depend on: a long start isn't asked fifty times a second.
  for (let waitMs = 20; ; waitMs = Math.min(250, waitMs * 1.1)) {
    signal.throwIfAborted()
    const response = await fetch(`http://${hostInUrl(listenHost)}:${health.port}/readyz`)
    const { checks } = (await response.json()) as { checks: Check[] }
    if (response.ok) return
    const nowMs = performance.now()
    const left = leftToDo(checks)
    if (left < least) {
      least = left
      movedMs = nowMs
    }
    const open = checks.filter(({ ok }) => !ok).map(({ name, reason }) => `${name}: ${reason}`)
    if (nowMs - movedMs > standstillMs) {
      throw new StartError(
        'server_failed',
        `not ready, and no nearer to it for ${standstillMs / 1000} s (${open.join('; ')}): see logs/fairlead.log`,
      )
    }
    if (nowMs - toldMs > tellMs) {
      progress(`waiting for ${open.join('; ')}`)
      toldMs = nowMs
    }
    await delay(waitMs)
  }
}

/** Pure: checks that fail, and before them the Organizations that are not reconciled. */
export function leftToDo(checks: readonly Check[]): number {
  const open = checks.filter(({ ok }) => !ok)
  const counted = open.flatMap(
    ({ reason }) => /(?<!\d)(\d+) not reconciled yet/.exec(reason ?? '')?.[1] ?? [],
  )
  // Before the folder is read nobody knows how many there are.
  if (open.some(({ reason }) => reason?.includes('was not read yet'))) return Number.MAX_SAFE_INTEGER
  return open.length + counted.reduce((sum, count) => sum + 1_000 * Number(count), 0)
}

/**
 * What is reconciled reaches the receiver a moment later, by the configuration bucket. An Organization that can't be
 * reconciled never does; the others aren't held up for it.
 *
 * @param reconciled how many Organizations are in force
 */
export async function untilReceiverKnows(
  reconciled: () => Promise<number>,
  receiver: PartProcess,
  signal: AbortSignal,
): Promise<void> {
  let known = -1
  for (let deadline = performance.now() + 5_000; performance.now() < deadline; ) {
    signal.throwIfAborted()
    const text = await receiver.metrics()
    const now = Number(/^fairlead_receiver_organizations (\d+)$/m.exec(text)?.[1] ?? 0)
    if (now >= (await reconciled())) return
    if (now > known) deadline = performance.now() + 5_000
    known = now
    await delay(20)
  }
}

/** How many Organizations are in force, as the operator's metrics say. */
export async function countReconciled(registry: Registry): Promise<number> {
  const text = await registry.getSingleMetricAsString('fairlead_organizations')
  return Number(/reason="Reconciled"\} (\d+)/.exec(text)?.[1] ?? 0)
}

/** Where to reach what listens on this address, in a URL. */
export function hostInUrl(listenHost: string): string {
  if (listenHost === '0.0.0.0' || listenHost === '::') return 'localhost'
  return listenHost.includes(':') ? `[${listenHost}]` : listenHost
}
