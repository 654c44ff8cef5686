import { providerPage } from '@fairlead/webhook/provider-page'
import { type Provider, proofTexts } from '@fairlead/webhook/providers/provider'
import { allProviders, findProvider, nearestProvider } from '@fairlead/webhook/providers/table'
import { readArguments } from './arguments.ts'
import { CommandError, exitCode } from './command-error.ts'
import { type Column, printTable } from './table.ts'
import { openTerminal } from './terminal.ts'

const usage = `fairlead providers [NAME]

Lists the providers whose requests can be verified, or says all about one.

  --memory  only those whose scheme rests on memory
  --json    as JSON

Proof:
${Object.entries(proofTexts)
  .map(([word, text]) => `  ${word.padEnd(8)} ${text}`)
  .join('\n')}`

export async function providers(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(
    usage,
    args,
    { json: { type: 'boolean' }, memory: { type: 'boolean' } },
    { most: 1 },
  )
  const terminal = openTerminal()
  const [name] = positionals
  if (name !== undefined) {
    const row = findProvider(name)
    if (!row) throw unknown(name)
    terminal.print(values.json ? JSON.stringify(row, null, 2) : providerPage(row))
    return exitCode.ok
  }
  const rows = allProviders().filter(row => !values.memory || row.provenance.scheme === 'memory')
  if (values.json) terminal.print(JSON.stringify(rows, null, 2))
  else {
    printTable(columns, rows, terminal)
    const count = rows.filter(row => row.variantOf === undefined).length
    terminal.print(`\n${count} providers, ${rows.length} schemes`)
  }
  return exitCode.ok
}

const columns: readonly Column<Provider>[] = [
  { title: 'NAME', text: row => row.name },
  { title: 'PROVIDER', text: row => row.title, least: 16 },
  { title: 'SIGNED WITH', text: algorithmOf, least: 12 },
  { title: 'PROOF', text: row => row.provenance.scheme, colour: row => proofColours[row.provenance.scheme] },
  { title: 'BY', text: row => row.provenance.by, least: 10 },
]

const proofColours = { run: 'green', vectors: 'green', read: undefined, memory: 'yellow' } as const

function algorithmOf({ scheme }: Provider): string {
  switch (scheme.kind) {
    case 'signature':
      return scheme.algorithm
    case 'jwt':
      return `JWT ${scheme.algorithms.join(', ')}`
    case 'token':
      return 'shared token'
    case 'code':
      return scheme.text.algorithm
    case 'unsigned':
      return 'nothing'
    default:
      return scheme satisfies never
  }
}

function unknown(name: string): CommandError {
  const nearest = nearestProvider(name)
  return new CommandError(`There is no provider ${name}.${nearest ? ` Did you mean ${nearest}?` : ''}`)
}
