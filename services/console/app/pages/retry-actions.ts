import { cancelRetry, pauseRetry, type Retry, resumeRetry } from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import type { Action } from '../resource/resource.ts'

/**
 * Whether nothing of it will change any more. A retry is completed once all is handed over: what became of the deliveries is counted
 * after that.
 */
export function isOver({ state, published, delivered, failedAgain }: Retry): boolean {
  if (state === 'expired' || state === 'failed') return true
  const isHandedOver = state === 'completed' || state === 'cancelled'
  return isHandedOver && delivered + failedAgain >= published
}

/** What can be done to a bulk retry under way. */
export const retryActions: readonly Action<Retry>[] = [
  {
    label: 'Pause',
    right: 'operate',
    applies: ({ state }) => state === 'running' || state === 'pending',
    run: ({ id }, slug) => take(pauseRetry(slug, id, once())),
    done: () => 'Paused',
  },
  {
    label: 'Resume',
    right: 'operate',
    applies: ({ state }) => state === 'paused',
    run: ({ id }, slug) => take(resumeRetry(slug, id, once())),
    done: () => 'Resumed',
  },
  {
    label: 'Cancel',
    right: 'operate',
    tone: 'danger',
    applies: ({ state }) => ['planned', 'pending', 'running', 'paused'].includes(state),
    confirm: ({ planned, published }) =>
      `${published.toLocaleString()} of ${planned.toLocaleString()} deliveries were handed over and go on; the others stay dead letters.`,
    run: ({ id }, slug) => take(cancelRetry(slug, id, once())),
    done: () => 'Cancelled',
  },
]
