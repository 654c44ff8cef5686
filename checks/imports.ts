import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/**
 * Who may import whom. Dependencies run one way: services → wire → webhook; daemon knows nothing of webhooks; services
 * never import each other. Prints every fault and exits 1 if there is one.
 */
const allowed: Readonly<Record<string, readonly string[] | 'anything'>> = {
  'packages/webhook': [],
  'packages/daemon': [],
  'packages/wire': ['packages/webhook'],
  'services/receiver': ['packages/webhook', 'packages/wire', 'packages/daemon'],
  'services/worker': ['packages/webhook', 'packages/wire', 'packages/daemon'],
  'services/store': ['packages/webhook', 'packages/wire', 'packages/daemon'],
  'services/api': ['packages/webhook', 'packages/wire', 'packages/daemon'],
  'services/console': [],
  operator: ['packages/webhook', 'packages/wire', 'packages/daemon'],
  cli: ['packages/webhook', 'packages/wire'],
  image: [
    'services/receiver',
    'services/worker',
    'services/store',
    'services/api',
    'operator',
    'cli',
    'packages/daemon',
  ],
  standalone: 'anything',
  testbed: 'anything',
  'load-tests': 'anything',
}

/** Tests (and their fixtures) may also use these. */
const allowedInTests = ['testbed', 'standalone']

/** A folder with a package.json of ours. */
export interface Workspace {
  readonly folder: string
  readonly name: string
  /** Names of other workspaces that its package.json declares. */
  readonly dependencies: readonly string[]
  readonly devDependencies: readonly string[]
}

export interface Source {
  /** From the root, with slashes. */
  readonly path: string
  readonly text: string
}

/** Every import that isn't allowed, as lines for a person. */
export function importFaults(workspaces: readonly Workspace[], sources: readonly Source[]): string[] {
  const byName = new Map(workspaces.map(workspace => [workspace.name, workspace]))
  const faults: string[] = []
  for (const { path, text } of sources) {
    const from = workspaces.find(({ folder }) => path.startsWith(`${folder}/`))
    for (const specifier of importsOf(text)) {
      const fault = specifier.startsWith('.')
        ? relativeFault(path, from, specifier)
        : packageFault(path, from, specifier, byName)
      if (fault) faults.push(`${path} imports ${specifier}: ${fault}`)
    }
  }
  for (const { folder } of workspaces) {
    if (!(folder in allowed)) faults.push(`${folder} is not in the table of checks/imports.ts`)
  }
  return faults
}

function relativeFault(path: string, from: Workspace | undefined, specifier: string): string | undefined {
  const target = normalize(join(dirname(path), specifier))
  if (from && !target.startsWith(`${from.folder}/`)) {
    return `it lies outside of ${from.folder}; import other workspaces by their name`
  }
  return undefined
}

function packageFault(
  path: string,
  from: Workspace | undefined,
  specifier: string,
  byName: ReadonlyMap<string, Workspace>,
): string | undefined {
  const to = byName.get(specifier.split('/').slice(0, 2).join('/'))
  if (!to || !from || to === from) return undefined
  const isTest = /\.test\.ts$|\/fixtures\//.test(path)
  const rule = allowed[from.folder] ?? []
  const mayImport =
    rule === 'anything' || rule.includes(to.folder) || (isTest && allowedInTests.includes(to.folder))
  if (!mayImport) return `${from.folder} may not depend on ${to.folder}`
  if (from.dependencies.includes(to.name)) return undefined
  if (!from.devDependencies.includes(to.name)) return `${from.folder}/package.json doesn't declare ${to.name}`
  return isTest || rule === 'anything' ? undefined : `${to.name} is declared for development only`
}

/** What a module imports, exports from, or imports when it runs. */
export function importsOf(text: string): string[] {
  const withoutComments = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const statements = /^\s*(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*['"]([^'"]+)['"]/gm
  const calls = /\bimport\(\s*['"]([^'"]+)['"]/g
  return [statements, calls].flatMap(pattern =>
    [...withoutComments.matchAll(pattern)].map(match => match[1]!),
  )
}

function readWorkspaces(root: string): Workspace[] {
  const patterns: string[] = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).workspaces
  const files = globSync(
    patterns.map(pattern => `${pattern}/package.json`),
    { cwd: root },
  )
  return files.map(file => {
    const {
      name,
      dependencies = {},
      devDependencies = {},
    } = JSON.parse(readFileSync(join(root, file), 'utf8'))
    return {
      folder: dirname(file),
      name,
      dependencies: Object.keys(dependencies),
      devDependencies: Object.keys(devDependencies),
    }
  })
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..')
  const workspaces = readWorkspaces(root)
  const patterns = workspaces.map(({ folder }) => `${folder}/**/*.{ts,tsx,mjs}`)
  const files = globSync(patterns, { cwd: root, exclude: ['**/node_modules', '**/gen'] })
  const sources = files.map(path => ({ path, text: readFileSync(join(root, path), 'utf8') }))
  const faults = importFaults(workspaces, sources)
  for (const fault of faults) console.error(fault)
  console.log(`${sources.length} files, ${faults.length} imports that are not allowed`)
  process.exitCode = faults.length > 0 ? 1 : 0
}
