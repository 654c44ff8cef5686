import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/**
 * Who may import whom. Dependencies run one way: services → wire → webhook; daemon knows nothing of webhooks; services
 * never import each other. Prints every fault and exits 1 if there is one.
 */
const parts = [
  'services/receiver',
  'services/worker',
  'services/store',
  'services/api',
  'services/prober',
  'operator',
]
const packages = [
  'packages/webhook',
  'packages/wire',
  'packages/daemon',
  'packages/telemetry',
  'packages/ledger',
]
const allowed: Readonly<Record<string, readonly string[]>> = {
  'packages/webhook': [],
  'packages/client': [],
  'packages/daemon': [],
  'packages/ledger': [],
  'packages/telemetry': ['packages/webhook', 'packages/daemon'],
  'packages/wire': ['packages/webhook'],
  'services/receiver': packages,
  'services/worker': packages,
  'services/store': packages,
  'services/api': packages,
  'services/prober': packages,
  'services/console': ['packages/client'],
  operator: packages,
  cli: ['packages/client', 'packages/webhook', 'packages/wire'],
  servers: [],
  image: [...parts, 'cli', 'packages/daemon'],
  standalone: [...parts, ...packages, 'servers'],
  testbed: [...parts, 'services/console', ...packages, 'servers', 'standalone', 'image'],
  'load-tests': [...parts, ...packages, 'testbed'],
  monitoring: [...parts, 'packages/webhook', 'packages/daemon', 'packages/telemetry', 'testbed'],
}

/** Tests (and their fixtures) may also use these. */
const allowedInTests = ['testbed', 'servers']

/**
 * Workspaces of which no module is shipped, so that development dependencies are always there: they run in a checkout only,
 * or are built into files for browsers.
 */
const neverShipped = ['testbed', 'load-tests', 'services/console', 'monitoring']

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
  const mayImport = rule.includes(to.folder) || (isTest && allowedInTests.includes(to.folder))
  if (!mayImport) return `${from.folder} may not depend on ${to.folder}`
  if (from.dependencies.includes(to.name)) return undefined
  if (!from.devDependencies.includes(to.name)) return `${from.folder}/package.json doesn't declare ${to.name}`
  return isTest || neverShipped.includes(from.folder)
    ? undefined
    : `${to.name} is declared for development only`
}

/**
 * Every circle of imports within the repository, once, as a line for a person: `a.ts → b.ts → a.ts`. Types count too: a
 * reader goes round with them, though Node doesn't.
 */
export function importCircles(workspaces: readonly Workspace[], sources: readonly Source[]): string[] {
  const paths = new Set(sources.map(({ path }) => path))
  const imports = new Map(
    sources.map(({ path, text }) => [
      path,
      importsOf(text).flatMap(name => fileOf(path, name, workspaces, paths)),
    ]),
  )
  const circles: string[] = []
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start >= 0) circles.push([...trail.slice(start), path].join(' → '))
    if (start >= 0 || done.has(path)) return
    for (const next of imports.get(path) ?? []) visit(next, [...trail, path])
    done.add(path)
  }
  for (const path of paths) visit(path, [])
  return circles
}

/** The file of ours that an import leads to, as none or one. */
export function fileOf(
  importer: string,
  specifier: string,
  workspaces: readonly Workspace[],
  paths: ReadonlySet<string>,
): string[] {
  const [scope, name, ...rest] = specifier.split('/')
  const folder = workspaces.find(workspace => workspace.name === `${scope}/${name}`)?.folder
  const file = specifier.startsWith('.')
    ? normalize(join(dirname(importer), specifier))
    : `${folder}/${rest.join('/')}.ts`
  return paths.has(file) ? [file] : []
}

/** The modules that a module imports, exports from, or imports when it runs. */
export function importsOf(text: string): string[] {
  const withoutComments = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const statements = /^\s*(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*['"]([^'"]+)['"]/gm
  const calls = /\bimport\(\s*['"]([^'"]+)['"]/g
  return [statements, calls].flatMap(pattern =>
    [...withoutComments.matchAll(pattern)].map(match => match[1]!),
  )
}

const root = join(import.meta.dirname, '..')

export function readWorkspaces(): Workspace[] {
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

/** All modules of the workspaces, but generated ones. */
export function readSources(): Source[] {
  const patterns = readWorkspaces().map(({ folder }) => `${folder}/**/*.{ts,tsx,mjs}`)
  const files = globSync(patterns, { cwd: root, exclude: ['**/node_modules', '**/gen'] })
  return files.toSorted().map(path => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

if (import.meta.main) {
  const workspaces = readWorkspaces()
  const sources = readSources()
  const faults = importFaults(workspaces, sources)
  const circles = importCircles(workspaces, sources)
  for (const fault of [...faults, ...circles]) console.error(fault)
  console.log(
    `${sources.length} files, ${faults.length} imports that are not allowed, ${circles.length} circles of imports`,
  )
  process.exitCode = faults.length + circles.length > 0 ? 1 : 0
}
