import { setTimeout as delay } from 'node:timers/promises'
import { PermissionViolationError } from '@nats-io/transport-node'

const retryMs = 500

/**
 * Tries again for as long as NATS refuses it to this connection's user: where each part has a user of its own, only the
 * store may make and change streams, and the others wait until the streams are there.
 */
export async function untilAllowed<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!isRefusal(error)) throw error
      await delay(retryMs)
    }
  }
}

/** A request that is refused says so in its cause. */
const isRefusal = (error: unknown): boolean =>
  error instanceof PermissionViolationError ||
  (error instanceof Error && error.cause instanceof PermissionViolationError)
