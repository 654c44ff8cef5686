import type { Log } from '@fairlead/daemon/log'
import type { TellTools } from '../notifications/publish.ts'
import { openWakeSignal } from '../wake-signal.ts'
import { tellLedgerChanges } from './tell-changes.ts'

/** While facts come, changes that are due are looked for as often, ms. */
const busyMs = 500
/** So long after the last facts, ms: changes are due 2 s after them, and what couldn't be told is tried again. */
const afterMs = 10_000
/** Else as often, ms: changes that another store noted and didn't live to tell. */
const idleMs = 5_000

/** Tells changes of the ledger when they are due, and asks Postgres seldom where nothing comes. */
export interface LedgerTelling {
  /** Facts came to this store. */
  noted(): void
  /** Tells until the signal aborts; resolves when the last round has ended. */
  run(tools: TellTools & { readonly log: Log; readonly signal: AbortSignal }): Promise<void>
}

export function openLedgerTelling(): LedgerTelling {
  const wake = openWakeSignal()
  let notedMs = Number.NEGATIVE_INFINITY
  return {
    noted() {
      notedMs = performance.now()
      wake.raise()
    },
    async run(tools) {
      const { signal, log } = tools
      while (!signal.aborted) {
        await tellLedgerChanges(tools).catch((err: unknown) => {
          if (!signal.aborted) log.warn({ err }, 'ledger.untold')
        })
        const isBusy = performance.now() - notedMs < afterMs
        await wake.raised(isBusy ? busyMs : idleMs, signal)
      }
    },
  }
}
