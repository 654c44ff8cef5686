import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, relative, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

/** Imports in texts (tests of imports have some) are followed too; a file that isn't there is left out. */
const importing = /\b(?:from|import) ?\(?'([^']+\.ts|@fairlead\/[^']+)'/g

/** Files and all of this repository's modules that they import, from the root. */
export function modulesOf(files: readonly string[]): Set<string> {
  const seen = new Set<string>()
  const visit = (file: string) => {
    const path = relative(root, file)
    if (seen.has(path)) return
    seen.add(path)
    for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(importing)) {
      const imported = ownModule(file, specifier)
      if (imported !== undefined) visit(imported)
    }
  }
  files.forEach(visit)
  return seen
}

/** Whether a test starts servers, or asks the run for one that it shares. */
export function needsServers(test: string): boolean {
  return [...modulesOf([test])].some(path => path.startsWith('servers/') || path === 'testbed/run.ts')
}

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
