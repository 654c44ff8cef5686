import type { Attempt, Delivery, EventDetail } from './answer-shapes.ts'
import { relativeTime, shortTime } from './show-time.ts'
import { type Colour, printable, type Terminal } from './terminal.ts'

/** Lines of a body that are shown: more is for --json. */
const maxBodyLines = 60

/** One event, as a page to read. */
export function printEvent(event: EventDetail, now: Date, terminal: Terminal): void {
  const colour = event.status === 'failed' ? 'red' : event.status === 'success' ? 'green' : 'yellow'
  terminal.print(`${terminal.paint('bold', event.id)}  ${terminal.paint(colour, event.status)}`)
  const facts: [string, string][] = [
    ['type', event.type || '– (the provider tells none)'],
    ['source', event.source === event.provider ? event.source : `${event.source} (${event.provider})`],
    ['received', `${event.receivedAt} (${relativeTime(event.receivedAt, now)})`],
    ['request', `${event.method} ${event.url}, ${event.sizeBytes} bytes`],
    ['verified', event.secret ? `with ${event.secret}` : 'without a secret of yours'],
  ]
  for (const [name, text] of facts)
    terminal.print(`  ${terminal.paint('dim', name.padEnd(9))} ${printable(text)}`)
  printDeliveries(event, now, terminal)
  printContent(event, terminal)
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
    for (const attempt of delivery.attempts) terminal.print(attemptLine(attempt, now, terminal))
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

function attemptLine(attempt: Attempt, now: Date, terminal: Terminal): string {
  const ok = attempt.outcome === 'delivered'
  const parts = [
    `  ${String(attempt.number).padStart(2)}  ${shortTime(attempt.at, now)}`,
    terminal.paint(ok ? 'green' : 'red', printable(attempt.outcome)),
    attempt.status === null ? '' : `HTTP ${attempt.status}`,
    `${attempt.durationMs} ms`,
    attempt.trigger === 'route' ? '' : `(${attempt.trigger})`,
    attempt.reason ? terminal.paint('dim', printable(attempt.reason)) : '',
  ]
  return parts.filter(Boolean).join('  ')
}

function printContent(event: EventDetail, terminal: Terminal): void {
  terminal.print()
  if (event.bodyExpired || event.body === null) {
    terminal.print(terminal.paint('dim', 'Headers and body are no longer kept.'))
    return
  }
  for (const [name, value] of Object.entries(event.headers)) {
    terminal.print(`${terminal.paint('cyan', printable(name))}: ${printable(value)}`)
  }
  terminal.print()
  if (event.bodyEncoding === 'base64') {
    terminal.print(
      terminal.paint('dim', `(${event.sizeBytes} bytes that are no text: --json has them in base64)`),
    )
    return
  }
  const lines = printable(indentJson(event.body), { lines: true }).split('\n')
  for (const line of lines.slice(0, maxBodyLines)) terminal.print(line)
  if (lines.length > maxBodyLines) {
    terminal.print(terminal.paint('dim', `… ${lines.length - maxBodyLines} lines more: --json has all of it`))
  }
}

/** JSON over several lines, for the eye; anything else as it is. */
function indentJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
