import { readdirSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'

/**
 * Whether the image has a file of node_modules. Node never reads types, source maps and TypeScript there, documentation
 * is for people, and `.bare` is another runtime's native code: together more than half of the bytes. Licences stay.
 * @param path below node_modules, with slashes
 */
export function isShipped(path: string): boolean {
  if (path === '.package-lock.json') return false
  if (/\.(?:[cm]?ts|map|bare)$/.test(path)) return false
  return !/\.(?:md|markdown)$/i.test(path) || /licen[cs]e|notice|copying/i.test(path)
}

/**
 * The files below a folder, as paths. Links are neither answered nor followed: those of node_modules lead to our own
 * sources. (`readdir`'s `recursive` follows them.)
 */
export function* filesBelow(folder: string, isWanted = (_path: string) => true): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isFile()) yield path
    else if (entry.isDirectory() && isWanted(path)) yield* filesBelow(path, isWanted)
  }
}

// The command `node image/prune.ts FOLDER…`, run by the Dockerfile: deletes from each node_modules what the image doesn't
// have.
if (import.meta.main) {
  const folders = process.argv.slice(2)
  if (folders.length === 0) throw new TypeError('Name the node_modules to prune: they are for the image only')
  for (const folder of folders) {
    for (const path of filesBelow(folder)) {
      if (!isShipped(relative(folder, path))) rmSync(path)
    }
  }
}
