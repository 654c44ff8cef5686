import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join, posix, relative } from 'node:path'
import { promisify } from 'node:util'
import type { Copy, ImageRecipe } from './dockerfile.ts'
import { openIgnore } from './ignore.ts'
import type { Entry } from './layer.ts'
import { type Lock, moduleFolders, productionPaths } from './production.ts'
import { filesBelow, isShipped } from './prune.ts'
import { writeSbom } from './sbom.ts'

/** The checkout. */
export const root = join(import.meta.dirname, '..')

/** The Node that goes into the image, of npm's package `node`. */
export const nodePath = join(root, 'node_modules/node/bin/node')

/** What the image has beside its base, a layer for each thing that changes at its own pace. */
export interface Content {
  readonly node: Entry[]
  readonly modules: Entry[]
  readonly sources: Entry[]
}

/**
 * What the Dockerfile's COPY lines bring in, found in this checkout.
 * @throws TypeError for a line that it doesn't know how to follow, and where node_modules is other than the lockfile
 */
export async function readContent(recipe: ImageRecipe): Promise<Content> {
  const ignored = openIgnore(readFileSync(join(root, '.dockerignore'), 'utf8'))
  const content: Content = { node: [], modules: [], sources: [] }
  const lock: Lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  requireCopied(recipe, moduleFolders(productionPaths(lock)))
  for (const copy of recipe.copies) {
    if (copy.stage === undefined) {
      for (const source of copy.sources) {
        if (copy.target.endsWith('/') && (await stat(join(root, source))).isDirectory()) {
          // Docker would copy what is in it, not the folder itself.
          throw new TypeError(
            `the Dockerfile copies ${source} into ${copy.target}: name what it becomes there`,
          )
        }
        content.sources.push(...(await filesOf(source, targetOf(copy, source), ignored)))
      }
      continue
    }
    const source = copy.sources.join(' ')
    const path = targetOf(copy, source)
    switch (source) {
      case '/usr/local/bin/node':
        content.node.push({ kind: 'file', path, from: nodePath, mode: 0o755 })
        break
      case '/app/console':
        content.sources.push(...(await consoleOf(path)))
        break
      case '/app/sbom.cdx.json':
        content.modules.push({ kind: 'text', path, text: writeSbom(root), mode: 0o644 })
        break
      default:
        if (!source.endsWith('/node_modules')) {
          throw new TypeError(`the Dockerfile copies ${source}: image/content.ts doesn't know how it is made`)
        }
        content.modules.push(...modulesOf(lock, source.slice('/app/'.length), path))
    }
  }
  return content
}

/** Where a source of a COPY lands, below the image's root. */
function targetOf({ target, sources }: Copy, source: string): string {
  const isFolder = target.endsWith('/') || sources.length > 1
  return (isFolder ? posix.join(target, posix.basename(source)) : target).slice(1)
}

/** A file or folder of the build context, without what .dockerignore leaves out. */
async function filesOf(source: string, target: string, ignored: (path: string) => boolean): Promise<Entry[]> {
  const from = join(root, source)
  if ((await stat(from)).isFile()) {
    return ignored(source) ? [] : [{ kind: 'file', path: target, from, mode: 0o644 }]
  }
  const entries: Entry[] = []
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const path = posix.join(source, entry.name)
    if (ignored(path)) continue
    entries.push(...(await filesOf(path, posix.join(target, entry.name), ignored)))
  }
  return entries
}

/** What services/console/build.ts writes: built here as well, and kept in the cache. */
async function consoleOf(target: string): Promise<Entry[]> {
  const main = join(root, 'servers/console-main.ts')
  const { stdout } = await promisify(execFile)(nodePath, [main])
  const folder = stdout.trim()
  const names = await readdir(folder, { recursive: true, withFileTypes: true })
  return names
    .filter(entry => entry.isFile())
    .map(({ parentPath, name }) => {
      const from = join(parentPath, name)
      return { kind: 'file', path: posix.join(target, relative(folder, from)), from, mode: 0o644 }
    })
}

/** Throws a TypeError where the Dockerfile copies other folders of packages than those that are needed. */
function requireCopied({ copies }: ImageRecipe, needed: readonly string[]): void {
  const copied = copies
    .flatMap(({ stage, sources }) => (stage === undefined ? [] : sources))
    .filter(source => source.endsWith('/node_modules'))
    .map(source => source.slice('/app/'.length))
  for (const folder of needed) {
    if (!copied.includes(folder))
      throw new TypeError(`${folder} is needed, and the Dockerfile doesn't copy it`)
  }
  for (const folder of copied) {
    if (!needed.includes(folder))
      throw new TypeError(`the Dockerfile copies ${folder}, in which nothing is needed`)
  }
}

/**
 * What `npm ci --workspace=@fairlead/image --omit=dev` and image/prune.ts leave in a node_modules.
 *
 * @param modules the root's (`node_modules`), or a workspace's (`services/api/node_modules`)
 */
function modulesOf(lock: Lock, modules: string, target: string): Entry[] {
  const entries: Entry[] = []
  for (const path of productionPaths(lock)) {
    const entry = lock.packages[path]!
    if (!path.startsWith(`${modules}/`)) continue
    const name = path.slice(modules.length + 1)
    const inside = posix.join(target, name)
    if (entry.link) {
      const link = posix.relative(posix.dirname(path), entry.resolved!)
      entries.push({ kind: 'link', path: inside, target: link })
      continue
    }
    const folder = join(root, path)
    requireVersion(folder, entry.version)
    // Packages below this one have an entry of their own.
    for (const file of filesBelow(folder, path => path !== join(folder, 'node_modules'))) {
      const below = relative(folder, file)
      if (!isShipped(posix.join(name, below))) continue
      entries.push({ kind: 'file', path: posix.join(inside, below), from: file, mode: 0o644 })
    }
  }
  return entries
}

function requireVersion(folder: string, version: string | undefined): void {
  const installed = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version
  if (installed === version) return
  throw new TypeError(`${folder} has version ${installed}, package-lock.json has ${version}: run npm ci`)
}
