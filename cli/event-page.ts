import type { Attempt, Delivery, EventDetail } from '@fairlead/client/gen/client'
import { printContent } from './content-page.ts'
import { relativeTime, shortTime } from './show-time.ts'
import { type Colour, printable, type Terminal } from './terminal.ts'

/** One event, as a page to read. */
export function printEvent(event: EventDetail, now: Date, terminal: Terminal): void {
  const colour = event.status === 'failed' ? 'red' : event.status === 'success' ? 'green' : 'yellow'
  terminal.print(`${terminal.paint('bold', event.id)}  ${terminal.paint(colour, event.status)}`)
  const facts: [string, string][] = [
    ['type', event.types.filter(Boolean).join(', ') || '– (the provider tells none)'],
    ['source', event.source === event.provider ? event.source : `${event.source} (${event.provider})`],
    ['received', `${event.receivedAt} (${relativeTime(event.receivedAt, now)})`],
    ['request', `${event.method} ${event.url}, ${event.sizeBytes} bytes`],
    ['trace', event.traceId],
    ['verified', event.secret ? `with ${event.secret}` : 'without a secret of yours'],
    ...repeatsOf(event, now),
  ]
  for (const [name, text] of facts)
    terminal.print(`  ${terminal.paint('dim', name.padEnd(9))} ${printable(text)}`)
  printDeliveries(event, now, terminal)
  printContent(event, terminal)
}

/** Lines about swallowed repeats of the event. */
function repeatsOf({ repeats }: EventDetail, now: Date): [string, string][] {
  const { count, differing, lastAt } = repeats
  if (count === 0 || lastAt === null) return []
  const same = `${count} not delivered, the last ${relativeTime(lastAt, now)}`
  const others = differing > 0 ? `; ${differing} with another body: fairlead rejections` : ''
  return [['repeats', same + others]]
}

function printDeliveries(event: EventDetail, now: Date, terminal: Terminal): void {
  terminal.print()
  if (event.deliveries.length === 0) {
    terminal.print(event.status === 'pending' ? 'Not delivered yet' : 'No route sent it anywhere')
  }
  for (const delivery of event.deliveries) {
    const state = terminal.paint(colourOfState[delivery.state], delivery.state)
    terminal.print(
      `to ${terminal.paint('bold', printable(delivery.destination))}  ${state}  ${terminal.paint('dim', delivery.id)}`,
    )
    for (const attempt of delivery.attempts) {
      terminal.print(attemptLine(attempt, event.traceId, now, terminal))
      // Up to 200 characters of what was answered: beside the facts it would hide them.
      if (attempt.reason) terminal.print(terminal.paint('dim', `      ${printable(attempt.reason)}`))
    }
    if (delivery.nextAttemptAt) {
      const isDue = new Date(delivery.nextAttemptAt) <= now
      terminal.print(`  next attempt ${isDue ? 'is due' : relativeTime(delivery.nextAttemptAt, now)}`)
    }
    if (delivery.discardReason) terminal.print(`  discarded: ${printable(delivery.discardReason)}`)
  }
}

const colourOfState: Readonly<Record<Delivery['state'], Colour>> = {
  waiting: 'yellow',
  delivered: 'green',
  dead: 'red',
  discarded: 'dim',
}

function attemptLine(attempt: Attempt, eventTraceId: string, now: Date, terminal: Terminal): string {
  const ok = attempt.outcome === 'delivered'
  const parts = [
    `  ${String(attempt.number).padStart(2)}  ${shortTime(attempt.at, now)}`,
    terminal.paint(ok ? 'green' : 'red', printable(attempt.outcome)),
    attempt.status === null ? '' : `HTTP ${attempt.status}`,
    `${attempt.durationMs} ms`,
    attempt.trigger === 'route' ? '' : `(${attempt.trigger})`,
    // The first attempt is part of the event's trace, which stands above.
    attempt.traceId === eventTraceId ? '' : terminal.paint('dim', `trace ${printable(attempt.traceId)}`),
  ]
  return parts.filter(Boolean).join('  ')
}
