import { setTimeout as delay } from 'node:timers/promises'
import { organizationsOf, type Scenario } from './scenarios.ts'

const everyMs = 200

/**
 * Waits until receivers know all sources of a scenario: an unsigned request is refused there, and not found elsewhere.
 *
 * @throws Error after `deadlineMs`, with a source that isn't known
 */
export async function untilKnown(scenario: Scenario, receiverUrl: string, deadlineMs: number): Promise<void> {
  const endMs = performance.now() + deadlineMs
  const sources = scenario.flows.flatMap(flow =>
    organizationsOf(flow).flatMap(name => flow.providers.map(provider => `${name}/${provider}`)),
  )
  for (const source of sources) {
    for (;;) {
      const found = await ask(`${receiverUrl}/webhooks/${source}`)
      if (found.kind === 'known') break
      if (performance.now() > endMs)
        throw new Error(`after ${deadlineMs / 1000} s no receiver knows ${source}: ${found.why}`)
      await delay(everyMs)
    }
  }
}

type Found = { readonly kind: 'known' } | { readonly kind: 'unknown'; readonly why: string }

async function ask(url: string): Promise<Found> {
  try {
    const { status } = await fetch(url, { method: 'POST', body: '{}' })
    return status === 404 || status >= 500
      ? { kind: 'unknown', why: `${status} of ${url}` }
      : { kind: 'known' }
  } catch (error) {
    const { cause, message } = error as Error
    return { kind: 'unknown', why: `${cause instanceof Error ? cause.message : message} of ${url}` }
  }
}
