import type { HandlerContext, ServiceImpl } from '@connectrpc/connect'
import type { Mode } from '@fairlead/wire/mode'
import type { PlatformService } from '@fairlead/wire/store/platform'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { findOnPlatform, readQuestion } from '../platform/find.ts'
import { readHealth } from '../platform/health.ts'
import { openSharedAnswers } from '../platform/shared-answers.ts'
import { storedPositions } from '../project/position.ts'
import { openStanding } from '../project/standing.ts'
import { readStreams, type StreamState } from '../project/stream-states.ts'
import { type Calls, modeOf, transact } from './calls.ts'

/** NATS is asked for so long: whoever asks is told the rest without it. */
const askMs = 1_000
/** All who look at the platform's health are answered with counts that are so old at most, ms: to count costs seconds on a large log. */
const keepHealthMs = 5_000

export function platformCalls(calls: Calls): ServiceImpl<typeof PlatformService> {
  let managing: Promise<JetStreamManager> | undefined
  const streams = async () => {
    managing ??= jetstreamManager(calls.nats, { checkAPI: false, timeout: askMs })
    return await readStreams(await managing, calls.now())
  }
  async function countHealth(context: HandlerContext) {
    const positions = () => transact(calls, context, 'platform', storedPositions, { short: true })
    const [health, log, states] = await Promise.all([
      transact(calls, context, 'platform', db => readHealth(db, calls.now())),
      readLag(calls, positions),
      streams().catch(() => []),
    ])
    return { ...health, ...(log && { log }), streams: states.map(streamMessage) }
  }
  const shareHealth = openSharedAnswers<Mode | undefined, Awaited<ReturnType<typeof countHealth>>>(
    keepHealthMs,
    () => performance.now(),
  )
  return {
    getPlatformHealth: (_request, context) => shareHealth(modeOf(context), () => countHealth(context)),

    async findOnPlatform({ text }, context) {
      const question = readQuestion(text)
      return { hits: await transact(calls, context, 'platform', db => findOnPlatform(db, question)) }
    },
  }
}

/** How far the log is behind, as any process can tell; undefined while NATS doesn't answer. */
async function readLag({ nats }: Calls, stored: Parameters<typeof openStanding>[0]['stored']) {
  const standing = openStanding({ nats, stored })
  // So it reads the positions that Postgres has, whichever process writes the log.
  standing.tell({ kind: 'waiting' })
  const lag = await standing.measure().catch(() => undefined)
  if (!lag) return undefined
  const messages = Object.values(lag.behind).reduce((sum, count) => sum + count, 0)
  return { messages: BigInt(messages), ageMs: BigInt(Math.max(0, Math.round(lag.ageMs))) }
}

const streamMessage = ({ stream, messages, bytes, limitBytes, oldestMs, replicasBehind }: StreamState) => ({
  name: stream,
  messages: BigInt(messages),
  bytes: BigInt(bytes),
  ...(limitBytes !== undefined && { limitBytes: BigInt(limitBytes) }),
  oldestMs: BigInt(Math.round(oldestMs)),
  replicasBehind,
})
