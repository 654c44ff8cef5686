import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, relative, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

/** Imports in texts (tests of imports have some) are followed too; a file that isn't there is left out. */
const importing = /\b(?:from|import) ?\(?'([^']+\.ts|@fairlead\/[^']+)'/g

/** Files and all of this repository's modules that they import, from the root. */
export const modulesOf = (files: readonly string[]): Set<string> => reachable(files, openImports())

/** Of test files, from the root, those that start no server, and ask the run for none that it shares. */
export function withoutServers(tests: readonly string[]): string[] {
  const imports = openImports()
  return tests.filter(
    test =>
      ![...reachable([resolve(root, test)], imports)].some(
        path => path.startsWith('servers/') || path === 'testbed/run.ts',
      ),
  )
}

type Imports = (file: string) => readonly string[]

function reachable(files: readonly string[], importsOf: Imports): Set<string> {
  const seen = new Set<string>()
  const visit = (file: string) => {
    const path = relative(root, file)
    if (seen.has(path)) return
    seen.add(path)
    importsOf(file).forEach(visit)
  }
  files.forEach(visit)
  return seen
}

/** Reads each file once. */
function openImports(): Imports {
  const known = new Map<string, readonly string[]>()
  return file => {
    const found = known.get(file) ?? readImports(file)
    known.set(file, found)
    return found
  }
}

const readImports = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(importing)].flatMap(
    ([, specifier = '']) => ownModule(file, specifier) ?? [],
  )

function ownModule(importer: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) {
    const file = resolve(dirname(importer), specifier)
    return existsSync(file) ? file : undefined
  }
  try {
    return createRequire(import.meta.url).resolve(specifier)
  } catch {
    return undefined
  }
}
