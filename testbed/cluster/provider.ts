import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Cluster } from './cluster.ts'
import type { Posted } from './send.ts'

/** A provider that posts webhooks all the time. */
export interface Provider extends AsyncDisposable {
  /** Stops posting, and answers when everything that was posted has been answered or given up. */
  stop(): Promise<readonly Posted[]>
}

/** @param secret of the GitHub source behind `url` */
export function startProvider(cluster: Cluster, url: string, secret: string, perSecond: number): Provider {
  const program = resolve(import.meta.dirname, 'send.ts')
  const [command, ...args] = [...cluster.inNetwork, process.execPath, program, url, secret, String(perSecond)]
  const child = spawn(command!, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const printed = text(child.stdout)
  return {
    async stop() {
      child.stdin.end()
      return JSON.parse(await printed) as Posted[]
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await printed
    },
  }
}

/** What a provider saw. */
export interface Seen {
  readonly posted: number
  /** Never answered 2xx. */
  readonly failed: number
  /** Answered 503 at first, accepted later. */
  readonly retried: number
  /** Tries that ended in anything but 2xx and 503, by what they ended in. */
  readonly faults: Readonly<Record<string, number>>
  /** The slowest acceptance, ms. */
  readonly slowestMs: number
}

export function see(posted: readonly Posted[]): Seen {
  const faults: Record<string, number> = {}
  let failed = 0
  let retried = 0
  for (const { id, tries } of posted) {
    if (id === undefined) failed++
    else if (tries.includes(503)) retried++
    for (const tried of tries) {
      if (tried !== 503 && !(typeof tried === 'number' && tried < 300))
        faults[tried] = (faults[tried] ?? 0) + 1
    }
  }
  return {
    posted: posted.length,
    failed,
    retried,
    faults,
    slowestMs: Math.max(0, ...posted.map(p => p.tookMs)),
  }
}
