import { printable, type Terminal } from './terminal.ts'

/** A test of a destination as the API answers it. */
export interface DestinationTest {
  readonly outcome: string
  readonly status: number | null
  readonly reason: string | null
  readonly durationMs: number
  readonly body: string
  readonly exchange: {
    readonly address: string | null
    readonly phasesMs: Readonly<Record<string, number | null>>
    readonly request: { readonly line: string; readonly headers: Readonly<Record<string, string>> }
    readonly response: {
      readonly line: string
      readonly headers: Readonly<Record<string, string>>
      readonly body: string | null
    } | null
  } | null
}

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
