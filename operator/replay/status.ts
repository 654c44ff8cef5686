import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt'
import { ReplayState, type Replay as StoredReplay } from '@fairlead/wire/store/replay'
import { conditionsOf, toSecond } from '../condition.ts'
import type { ActResult } from './act.ts'
import type { ConditionReason, Finding } from './condition-types.ts'
import type { Plan } from './diff.ts'
import type { Snapshot } from './observe.ts'
import type { Phase, ReplayStatus } from './status-schema.ts'

/** What is to be reported after a reconciliation. What isn't known anew stays as it was reported before. */
export function statusOf(snapshot: Snapshot, plan: Plan, outcome: ActResult): ReplayStatus {
  const { declared, before, nowMs } = snapshot
  const progress = progressOf(snapshot, plan, outcome)
  const findings = findingsOf(snapshot, progress, plan, outcome)
  return {
    ...progress,
    observedGeneration: declared.generation,
    conditions: conditionsOf(findings, before?.conditions ?? [], declared.generation, nowMs),
  }
}

type Progress = Omit<ReplayStatus, 'observedGeneration' | 'conditions'>

function progressOf(snapshot: Snapshot, plan: Plan, outcome: ActResult): Progress {
  const { before, stored, nowMs, declared } = snapshot
  if (outcome.kind === 'stored') return storedProgress(outcome.replay)
  if (outcome.kind === 'counted') {
    const counted = countsOf(outcome.replay)
    return declared.replay.spec.dryRun
      ? { phase: 'Counted', ...counted, endedAt: toSecond(new Date(nowMs)) }
      : { phase: 'Paused', ...counted }
  }
  if (stored) return storedProgress(stored)
  if (plan.obstacle?.reason === 'Lost') return { ...before, phase: 'Failed' }
  const isInTheWay = plan.obstacle !== undefined || outcome.kind !== 'held'
  if (before === undefined || (before.replayId === undefined && isInTheWay)) return { phase: 'Pending' }
  return before
}

function storedProgress(replay: StoredReplay): Progress {
  const { matched, published, skipped, delivered, failed, startedAt, endedAt } = replay
  return {
    phase: phaseOf[replay.state],
    replayId: replay.id,
    ...countsOf(replay),
    published: Number(published),
    skipped: Number(skipped),
    delivered: Number(delivered),
    failed: Number(failed),
    done: matched === 0n ? '100%' : `${((published + skipped) * 100n) / matched}%`,
    ...at('startedAt', startedAt),
    ...at('endedAt', endedAt),
  }
}

function countsOf({ matched, matchedEvents, expired }: StoredReplay) {
  return { matched: Number(matched), matchedEvents: Number(matchedEvents), expired: Number(expired) }
}

/** Begun is running: which of the two it is, is gone before anyone reads it. */
const phaseOf: Readonly<Record<ReplayState, Phase>> = {
  [ReplayState.UNSPECIFIED]: 'Pending',
  [ReplayState.PENDING]: 'Running',
  [ReplayState.RUNNING]: 'Running',
  [ReplayState.PAUSED]: 'Paused',
  [ReplayState.COMPLETED]: 'Completed',
  [ReplayState.CANCELLED]: 'Cancelled',
  [ReplayState.FAILED]: 'Failed',
}

function findingsOf(
  snapshot: Snapshot,
  progress: Progress,
  plan: Plan,
  outcome: ActResult,
): readonly Finding[] {
  const { reason, message } = faultOf(plan, outcome) ?? situationOf(progress, faultInStore(snapshot, outcome))
  const isWell = reason === progress.phase && reason !== 'Failed' && reason !== 'Cancelled'
  const isComplete = progress.phase === 'Completed' || progress.phase === 'Counted'
  return [
    { type: 'Ready', status: isWell ? 'True' : 'False', reason, message },
    { type: 'Complete', status: isComplete ? 'True' : 'False', reason, message: '' },
  ]
}

interface Said {
  readonly reason: ConditionReason
  readonly message: string
}

function faultOf(plan: Plan, outcome: ActResult): Said | undefined {
  if (plan.obstacle) return plan.obstacle
  if (outcome.kind === 'refused') return outcome
  return outcome.kind === 'unavailable' ? { reason: 'StoreUnavailable', message: outcome.message } : undefined
}

function faultInStore({ stored }: Snapshot, outcome: ActResult): string {
  return (outcome.kind === 'stored' ? outcome.replay : stored)?.fault ?? ''
}

/** The phase as a sentence. Counts that move are in fields of their own. */
function situationOf({ phase, matched, matchedEvents }: Progress, fault: string): Said {
  switch (phase) {
    case 'Counted': {
      const message = `${matched} deliveries of ${matchedEvents} events would be made: set spec.dryRun to false to begin`
      return { reason: phase, message }
    }
    case 'Paused':
      return { reason: phase, message: 'nothing is handed over until spec.paused is false' }
    case 'Running':
      return { reason: phase, message: 'deliveries are handed to the workers' }
    case 'Completed':
      return { reason: phase, message: 'all that was matched is handed to the workers' }
    case 'Cancelled':
      return { reason: phase, message: 'someone ended it: what was handed over before goes on' }
    case 'Failed':
      return { reason: phase, message: `the store gave it up${fault ? `: ${fault}` : ''}` }
    case 'Pending':
      return { reason: 'Running', message: 'it has not begun' }
    default:
      throw new TypeError(`unknown phase ${phase satisfies never}`)
  }
}

function at<Name extends string>(name: Name, time: Timestamp | undefined): { [key in Name]?: string } {
  return (time ? { [name]: toSecond(timestampDate(time)) } : {}) as { [key in Name]?: string }
}
