import { posix } from 'node:path'

/** What is read of package-lock.json, version 3 (https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json). */
export interface Lock {
  readonly packages: Readonly<Record<string, LockEntry>>
}

export interface LockEntry {
  readonly version?: string
  readonly license?: string
  /** `sha512-` and base64. */
  readonly integrity?: string
  /** True for a workspace's entry below node_modules; `resolved` is then its folder. */
  readonly link?: boolean
  readonly resolved?: string
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

/**
 * Everything that the image's parts need to run: paths of package-lock.json (`node_modules/pg`, `services/store`), sorted;
 * links to workspaces, and the workspaces. It is what `npm ci --omit=dev --workspace=@fairlead/image` installs.
 * @throws TypeError if the lockfile misses something that is needed
 */
export function productionPaths(lock: Lock): string[] {
  const found = new Set<string>()
  const open = ['node_modules/@fairlead/image']
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue
    found.add(path)
    const entry = lock.packages[path]
    if (!entry) throw new TypeError(`package-lock.json has no ${path}`)
    if (entry.link && entry.resolved !== undefined) open.push(entry.resolved)
    for (const [name, isOptional] of needs(entry)) {
      const target = resolveFrom(lock, path, name)
      if (target === undefined) {
        if (!isOptional) throw new TypeError(`package-lock.json has no ${name} for ${path}`)
      } else if (!isOptional || runsHere(lock.packages[target]!)) open.push(target)
    }
  }
  return [...found].sort()
}

/** The node_modules that production paths are in, sorted: the root's, and those of workspaces with versions of their own. */
export function moduleFolders(paths: readonly string[]): string[] {
  const name = 'node_modules'
  const folders = paths
    .filter(path => path.includes(`${name}/`))
    .map(path => path.slice(0, path.indexOf(`${name}/`) + name.length))
  return [...new Set(folders)].sort()
}

/** Names of what a package needs; true beside those that it can do without. */
function needs(entry: LockEntry): [name: string, isOptional: boolean][] {
  const peers = Object.keys(entry.peerDependencies ?? {}).filter(
    name => !entry.peerDependenciesMeta?.[name]?.optional,
  )
  return [
    ...[...Object.keys(entry.dependencies ?? {}), ...peers].map((name): [string, boolean] => [name, false]),
    ...Object.keys(entry.optionalDependencies ?? {}).map((name): [string, boolean] => [name, true]),
  ]
}

/** Node's way of finding a package: the nearest node_modules, going up. */
function resolveFrom(lock: Lock, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = posix.dirname(folder)) {
    const candidate = posix.join(folder, 'node_modules', name)
    if (candidate in lock.packages) return candidate
    if (folder === '.') return undefined
  }
}

function runsHere({ os, cpu }: LockEntry): boolean {
  return (os?.includes(process.platform) ?? true) && (cpu?.includes(process.arch) ?? true)
}
