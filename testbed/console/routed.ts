import { until } from '../until.ts'
import type { RunningConsole } from './running-console.ts'

/** Sends webhooks of a type until one goes to so many destinations: a route is in force a second after it was made. Answers with its id. */
export async function sendRouted(
  running: RunningConsole,
  type: string,
  destinations: number,
): Promise<string> {
  return await until(
    async () => {
      const { id } = await running.send('{"routed":true}', undefined, type)
      return (await countOf(running, type, id)) === destinations && id
    },
    { what: `a webhook for ${destinations} destinations`, deadlineMs: 60_000 },
  )
}

/** To how many destinations a webhook goes. */
async function countOf(running: RunningConsole, type: string, id: string | undefined): Promise<number> {
  return await until(
    async () => {
      const { items } = await running.call('GET', `/api/v1/organizations/acme/events?type=${type}`)
      const sent = items.find((event: { id: string }) => event.id === id)
      return sent?.deliveries.total || undefined
    },
    { what: 'the routes of a webhook', deadlineMs: 60_000 },
  )
}
