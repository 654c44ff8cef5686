import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { providerIndex, providerPage } from '@fairlead/webhook/provider-page'
import { allProviders } from '@fairlead/webhook/providers/table'

/*
 * docs/providers/ is made from the rows that verify requests. `node checks/provider-pages.ts --write` makes it again;
 * the test beside this file fails on any difference.
 */

const folder = new URL('../docs/providers/', import.meta.url)

/** Every page by its file's name. */
export function providerPages(): ReadonlyMap<string, string> {
  const rows = allProviders()
  return new Map([
    ['README.md', providerIndex(rows)],
    ...rows.map((row): [string, string] => [`${row.name}.md`, providerPage(row)]),
  ])
}

/** What docs/providers/ holds now. */
export function writtenPages(): ReadonlyMap<string, string> {
  return new Map(readdirSync(folder).map(name => [name, readFileSync(new URL(name, folder), 'utf8')]))
}

function write(): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of providerPages()) writeFileSync(new URL(name, folder), text)
}

if (import.meta.main && process.argv.includes('--write')) write()
