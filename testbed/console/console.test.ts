import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildConsole } from '@fairlead/servers/console'
import { expect, test } from 'vitest'

/** KB of compressed JavaScript that the log needs before its first row is painted. */
const firstLoadLimit = 200_000

test('the first load grows beyond what a slow line brings in a second', async () => {
  const folder = await buildConsole(console.error)
  const first = await modulesOf(folder, await entryOf(folder))
  const sizes = await Promise.all(
    first.map(async name => (await readFile(join(folder, `${name}.br`))).length),
  )
  const total = sizes.reduce((sum, size) => sum + size, 0)
  expect(first.length).toBeGreaterThan(1)
  expect(total).toBeLessThan(firstLoadLimit)
})

async function entryOf(folder: string): Promise<string> {
  const page = await readFile(join(folder, 'index.html'), 'utf8')
  return /<script[^>]* src="\/(assets\/[^"]+)"/.exec(page)![1]!
}

/** A module and all that it imports before it runs. */
async function modulesOf(folder: string, entry: string, known = new Set<string>()): Promise<string[]> {
  if (known.has(entry)) return []
  known.add(entry)
  const text = await readFile(join(folder, entry), 'utf8')
  for (const [, name] of text.matchAll(/(?:\bfrom|\bimport)\s*["']\.\/([\w.-]+\.js)["']/g)) {
    await modulesOf(folder, `assets/${name}`, known)
  }
  return [...known]
}
