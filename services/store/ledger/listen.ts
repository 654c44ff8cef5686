import { fromBinary } from '@bufbuild/protobuf'
import type { Log } from '@fairlead/daemon/log'
import {
  encodeLedgerFactsAnswer,
  type LedgerFactsAnswer,
  ledgerFactsQueue,
  ledgerFactsSubject,
} from '@fairlead/wire/ledger'
import { RecordFactsRequestSchema } from '@fairlead/wire/store/ledger'
import type { Msg, NatsConnection } from '@nats-io/transport-node'
import type { Pool } from 'pg'
import { isUnavailable } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import type { LedgerTelling } from './keep-told.ts'
import { recordFacts } from './record.ts'

/** Requests that are under way or wait for Postgres at one time: more are asked for again later. */
const mostRequests = 64

export interface ListenTools {
  readonly pool: Pool
  readonly nats: NatsConnection
  readonly log: Log
  readonly ledgerTelling: Pick<LedgerTelling, 'noted'>
}

/** Takes facts from workers until it is disposed. What was taken is finished, and answered. */
export function listenForFacts({ pool, nats, log, ledgerTelling }: ListenTools): AsyncDisposable {
  const underWay = new Set<Promise<void>>()

  function take(message: Msg): void {
    if (underWay.size >= mostRequests) {
      answer(message, { kind: 'away', reason: 'the store has as much to record as it may' })
      return
    }
    const work = record(pool, message, log)
      .then(result => {
        if (result.kind === 'recorded') ledgerTelling.noted()
        answer(message, result)
      })
      .finally(() => underWay.delete(work))
    underWay.add(work)
  }

  const subscription = nats.subscribe(ledgerFactsSubject, {
    queue: ledgerFactsQueue,
    callback: (err, message) => {
      if (err) log.error({ err }, 'ledger.deaf')
      else take(message)
    },
  })
  return {
    async [Symbol.asyncDispose]() {
      subscription.unsubscribe()
      await Promise.all(underWay)
    },
  }
}

function answer(message: Msg, result: LedgerFactsAnswer): void {
  message.respond(encodeLedgerFactsAnswer(result))
}

/** Does not reject. */
async function record(pool: Pool, { data }: Msg, log: Log): Promise<LedgerFactsAnswer> {
  try {
    await recordFacts(pool, fromBinary(RecordFactsRequestSchema, data))
    return { kind: 'recorded' }
  } catch (err) {
    if (isAway(err)) return { kind: 'away', reason: 'Postgres is away, or others hold what this needs' }
    if (err instanceof StoreError) return { kind: 'refused', reason: err.message }
    log.error({ err }, 'ledger.unrecorded')
    return { kind: 'refused', reason: 'a fault of ours' }
  }
}

/**
 * Also a lock that did not come in time, and what Postgres ended to break a circle of waits. Not a statement that took too long: it
 * would again, without an end that anybody sees. As a refusal it is an attempt, and is tried again with less beside it.
 */
function isAway(error: unknown): boolean {
  if (isUnavailable(error)) return true
  return error instanceof Error && 'code' in error && /^(55P03|40P01|40001)$/.test(String(error.code))
}
