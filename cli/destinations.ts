import type { Destination } from './answer-shapes.ts'
import { apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, usageFault } from './arguments.ts'
import { exitCode } from './command-error.ts'
import { type Column, printTable } from './table.ts'
import { type Colour, openTerminal, printable } from './terminal.ts'

const usage = `fairlead destinations [list | pause NAME | resume NAME]

Where events go, and how each destination does: lists them by name, lets the
deliveries to one wait, or lets them go on. Nothing is lost by a pause.

A destination is paused because its declaration says so (declared), because it
answered 410 (gone), because it failed for five days (failing), or because a
member asked (asked). resume ends every pause but a declared one: for that,
take paused: true out of the declaration.

  --json                 the API's own JSON, one a line
${apiUsage}`

const options = { ...apiOptions, json: { type: 'boolean' } } as const

export async function destinations(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(usage, args, options, { most: 2 })
  const [verb = 'list', name] = positionals
  if (verb !== 'list' && verb !== 'pause' && verb !== 'resume')
    throw usageFault(usage, `list, pause or resume, not ${verb}`)
  if (verb === 'list' && name !== undefined) throw usageFault(usage, `list shows all: it takes no ${name}`)
  if (verb !== 'list' && name === undefined)
    throw usageFault(usage, 'Which destination? NAME, as the list shows')
  const api = openApi(values)
  const path = `${await api.organizationPath()}/destinations`
  const terminal = openTerminal()
  if (name !== undefined) {
    const target = `${path}/${encodeURIComponent(name)}/${verb}`
    const destination = await api.call<Destination>('POST', target)
    terminal.print(values.json ? JSON.stringify(destination) : standing(destination))
    return exitCode.ok
  }
  const { items } = await api.call<{ items: readonly Destination[] }>('GET', path)
  if (values.json) for (const destination of items) terminal.print(JSON.stringify(destination))
  else if (items.length === 0) terminal.note('No destination is declared.')
  else printTable(columns, items, terminal)
  return exitCode.ok
}

/** How a destination stands after a pause or a resume, which a declared pause outlives. */
function standing({ name, state, pauseReason, waiting }: Destination): string {
  const waits = waiting === 1 ? '1 delivery waits' : `${waiting} deliveries wait`
  if (state !== 'paused') return `${printable(name)} gets its deliveries; ${waits}`
  return `${printable(name)} is paused (${pauseReason}); ${waits}`
}

const colourOfState: Readonly<Record<Destination['state'], Colour>> = {
  healthy: 'green',
  failing: 'red',
  paused: 'yellow',
}

const columns: readonly Column<Destination>[] = [
  { title: 'NAME', text: ({ name }) => name, least: 8 },
  {
    title: 'STATE',
    text: ({ state, pauseReason }) => (pauseReason ? `${state}: ${pauseReason}` : state),
    colour: ({ state }) => colourOfState[state],
  },
  { title: 'WAITING', text: ({ waiting }) => String(waiting), alignRight: true },
  { title: 'DEAD', text: ({ dead }) => String(dead), alignRight: true },
  { title: 'LAST ERROR', text: ({ lastError }) => lastError ?? '–', least: 10, optional: true },
  { title: 'KIND', text: ({ kind }) => kind, optional: true },
]
