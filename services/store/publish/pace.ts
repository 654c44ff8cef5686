import { setTimeout as delay } from 'node:timers/promises'
import type { OrganizationId } from '@fairlead/webhook/id'

/** Bytes of an organization's configuration that are published in a second, on the whole. */
const bytesPerSecond = 1024 ** 2

/**
 * Publications of single organizations. Every receiver and worker parses all of an organization's configuration at each change: whoever
 * changes a setting of a large one without an end would keep them from everybody's webhooks. So an organization rests after each
 * publication, for as long as its bytes take at 1 MiB a second. Changes that come meanwhile are published together after it.
 *
 * @param publish publishes an organization as it stands then; answers with the bytes
 * @returns publishes an organization, with a state that is no older than the call
 */
export function openPace(
  publish: (organization: OrganizationId) => Promise<number>,
): (organization: OrganizationId) => Promise<void> {
  /** The next publication of each organization, where one is under way or rests. */
  const lines = new Map<OrganizationId, { next: PromiseWithResolvers<void> | undefined }>()

  async function run(organization: OrganizationId, line: { next: PromiseWithResolvers<void> | undefined }) {
    while (line.next) {
      const { resolve, reject } = line.next
      line.next = undefined
      const bytes = await publish(organization).then(
        bytes => {
          resolve()
          return bytes
        },
        (error: unknown) => {
          reject(error)
          return 0
        },
      )
      if (bytes > 0) await delay((bytes / bytesPerSecond) * 1_000, undefined, { ref: false })
    }
    lines.delete(organization)
  }

  return organization => {
    const line = lines.get(organization)
    if (line) {
      line.next ??= Promise.withResolvers()
      return line.next.promise
    }
    const begun = { next: Promise.withResolvers<void>() }
    const { promise } = begun.next
    lines.set(organization, begun)
    void run(organization, begun)
    return promise
  }
}
