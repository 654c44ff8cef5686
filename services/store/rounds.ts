import type { Log } from '@fairlead/daemon/log'
import { every } from './every.ts'
import { resolveRecovered } from './issues/recover.ts'
import { openRefusals } from './issues/refusals.ts'
import type { LedgerTelling } from './ledger/keep-told.ts'
import { keepNotified } from './notifications/tell.ts'
import type { Budgets } from './objectives/budgets.ts'
import type { Declared } from './objectives/declared-set.ts'
import type { SharedPool } from './postgres.ts'
import { lookEveryMs, type StreamStates } from './project/stream-states.ts'
import { pauseHopeless } from './publish/pauses.ts'
import type { ConfigPublisher } from './publish/publish.ts'
import { type AbandonedTools, openAbandoned } from './rejections/abandoned.ts'
import { maintain } from './retention.ts'
import { handOverAll } from './stripe-connect/route.ts'

const reconcileMs = 60_000
/** What has happened in the log, or was asked for, is looked for as often. */
const lookMs = 5_000
const maintainMs = 3_600_000
const declaredMs = 15_000
const budgetsMs = 60_000

export interface RoundsOptions extends AbandonedTools {
  readonly pool: SharedPool
  readonly log: Log
  readonly signal: AbortSignal
  readonly states: Pick<StreamStates, 'look'>
  readonly declared: Declared
  readonly budgets: Budgets
  readonly publisher: ConfigPublisher
  readonly ledgerTelling: LedgerTelling
}

/** What a store does now and then, beside calls and the projection, until the signal aborts. Each resolves when its last round has ended. */
export function startRounds(options: RoundsOptions): Promise<void>[] {
  const { pool, nats, publisher, log, signal, states, declared, budgets } = options
  const rounds = { signal, log }
  return [
    every(
      reconcileMs,
      {
        'config.unreconciled': () => publisher.reconcile(),
        'connect.still_held': () => handOverAll({ ...options, now: Date.now }),
      },
      rounds,
    ),
    every(
      lookMs,
      {
        'destinations.unpaused': () => pauseHopeless(pool, publisher, log),
        'issues.unresolved': () => resolveRecovered(pool),
        'refusals.uncounted': openRefusals(pool, nats),
        'promotions.open': openAbandoned(options),
        'notices.untold': () => keepNotified(options),
      },
      rounds,
    ),
    every(declaredMs, { 'objectives.unread': declared.read }, rounds),
    every(budgetsMs, { 'budgets.unread': budgets.read }, rounds),
    every(lookEveryMs, { 'partitions.not_looked_at': states.look }, rounds),
    options.ledgerTelling.run(options),
    every(maintainMs, { 'log.unmaintained': () => maintain(pool, Date.now(), log) }, rounds),
  ]
}
