import type { DestinationTest } from '@fairlead/client/gen/client'
import { printable, type Terminal } from './terminal.ts'

/** The exchange as curl -v shows one. */
export function showTest(name: string, test: DestinationTest, terminal: Terminal): void {
  const { outcome, status, reason, durationMs, exchange } = test
  const why = reason ? `: ${printable(reason)}` : ''
  const colour = outcome === 'delivered' ? 'green' : 'red'
  terminal.print(
    terminal.paint(
      colour,
      `${printable(name)}: ${outcome}${status ? ` (${status})` : ''} in ${durationMs} ms${why}`,
    ),
  )
  if (!exchange) return
  const phases = Object.entries(exchange.phasesMs).flatMap(([phase, ms]) =>
    ms === null ? [] : [`${phase} ${ms} ms`],
  )
  if (exchange.address) terminal.print(`* ${exchange.address}, ${phases.join(', ')}`)
  showHead('>', exchange.request, terminal)
  terminal.print(`> ${printable(test.body)}`)
  if (!exchange.response) return
  showHead('<', exchange.response, terminal)
  if (exchange.response.body) terminal.print(`< ${printable(exchange.response.body, { lines: true })}`)
}

function showHead(
  mark: '>' | '<',
  head: { readonly line: string; readonly headers: Readonly<Record<string, string>> },
  terminal: Terminal,
): void {
  terminal.print(`${mark} ${printable(head.line)}`)
  for (const [name, value] of Object.entries(head.headers))
    terminal.print(`${mark} ${printable(name)}: ${printable(value)}`)
  terminal.print(mark)
}
