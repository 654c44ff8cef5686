import { parseSync } from 'oxc-parser'
import { readSources, type Source } from './imports.ts'

/**
 * A function has at most 60 lines of its own: a screen. Named functions within it (declarations, methods, functions kept
 * in a constant or a property) are counted by themselves, callbacks to the function that they stand in. A component (`.tsx`) has
 * at most 95, because its markup is a tree that is read like a table. Tests are not counted. Prints every longer function and exits
 * 1 if there is one.
 */
const maxLines = 60
const maxComponentLines = 95

const limitOf = (path: string): number => (path.endsWith('.tsx') ? maxComponentLines : maxLines)

/** Its files are tests too, declared for one test file that starts the product for all of them. */
const declaredTests = 'testbed/console/journeys/'

/** By file and name: functions that a cut would only scatter, and why. Most are tables, one entry under the other. */
const tables: Readonly<Record<string, string>> = {
  'packages/wire/streams.ts streamConfigs': 'a table of streams',
  'services/api/fixtures/stored-facts.ts event': 'a table of the fields of a stored event',
  'packages/webhook/sdk/compare.ts compareWithSdk': 'declares tests, each a callback',
  'testbed/cluster/end-to-end.ts endToEnd': 'declares tests, each a callback and a step after the one before',
}

export interface LongFunction {
  readonly path: string
  readonly name: string
  /** Without those of named functions within it. */
  readonly lines: number
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

const functionTypes = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])

/** Every function of the sources that has more lines of its own than allowed, the longest first. */
export function longFunctions(sources: readonly Source[]): LongFunction[] {
  return sources
    .filter(({ path }) => !path.endsWith('.test.ts') && !path.startsWith(declaredTests))
    .flatMap(({ path, text }) => functionsOf(text).map(found => ({ path, ...found })))
    .filter(({ path, lines }) => lines > limitOf(path))
    .toSorted((a, b) => b.lines - a.lines)
}

function functionsOf(text: string): { name: string; lines: number }[] {
  const { program } = parseSync('source.tsx', text)
  const found: { name: string; lines: number }[] = []
  const linesOf = ({ start, end }: Node): number => text.slice(start, end).split('\n').length
  /** Returns how many lines the named functions under a node have: those are not their surroundings' own. */
  const visit = (node: Node, name: string | undefined): number => {
    const inner = childrenOf(node).reduce((sum, child) => sum + visit(child, nameFor(node, child)), 0)
    if (!functionTypes.has(node.type) || name === undefined) return inner
    const lines = linesOf(node)
    found.push({ name, lines: lines - inner })
    return lines
  }
  visit(program as unknown as Node, undefined)
  return found
}

/** The name that a function gets from its own declaration, or from the constant or property that holds it. */
function nameFor(parent: Node, child: Node): string | undefined {
  if (child.type === 'FunctionDeclaration') return textOf(child.id) ?? 'default'
  const holds =
    (parent.type === 'VariableDeclarator' && parent.init === child) ||
    ((parent.type === 'Property' ||
      parent.type === 'MethodDefinition' ||
      parent.type === 'PropertyDefinition') &&
      parent.value === child)
  return holds ? (textOf(parent.id ?? parent.key) ?? '[computed]') : undefined
}

function textOf(node: unknown): string | undefined {
  const { name, value } = (node ?? {}) as { name?: string; value?: unknown }
  return name ?? (typeof value === 'string' ? value : undefined)
}

function childrenOf(node: Node): Node[] {
  return Object.values(node).flatMap(field =>
    (Array.isArray(field) ? field : [field]).filter(
      (value): value is Node => typeof value === 'object' && value !== null && 'type' in value,
    ),
  )
}

if (import.meta.main) {
  const found = longFunctions(readSources())
  const faults = found.filter(({ path, name }) => !(`${path} ${name}` in tables))
  const stale = Object.keys(tables).filter(key => !found.some(({ path, name }) => key === `${path} ${name}`))
  for (const { path, name, lines } of faults) {
    console.error(
      `${path}: ${name} has ${lines} lines of its own, at most ${limitOf(path)} are allowed: cut it by concept`,
    )
  }
  for (const key of stale)
    console.error(`${key}: is short now: take it off the list in checks/function-length.ts`)
  console.log(`${faults.length} functions that are too long, ${found.length - faults.length} tables`)
  process.exitCode = faults.length + stale.length > 0 ? 1 : 0
}
