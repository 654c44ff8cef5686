import { readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileOf, importsOf, readSources, readWorkspaces, type Source, type Workspace } from './imports.ts'

/*
 * docs/structure.md is drawn from the imports. `node checks/structure-page.ts --write` makes it again; the test beside this
 * file fails on any difference.
 */

const page = new URL('../docs/structure.md', import.meta.url)

/** Tests, and what only they use, leave the picture: they may look anywhere. */
const isTest = (path: string): boolean => /\.test\.ts$|\/fixtures?\//.test(path)
const onlyForTests = ['testbed', 'load-tests', 'monitoring']

/** From a place to those that it uses. */
type Arrows = Map<string, Set<string>>

function arrowsBetween(edges: Iterable<readonly [string, string]>): Arrows {
  const arrows: Arrows = new Map()
  for (const [from, to] of edges) {
    if (from === to) continue
    arrows.set(from, (arrows.get(from) ?? new Set()).add(to))
  }
  return arrows
}

export function structurePage(workspaces: readonly Workspace[], all: readonly Source[]): string {
  const sources = all.filter(({ path }) => !isTest(path))
  const paths = new Set(sources.map(({ path }) => path))
  const edges = sources.flatMap(({ path, text }) =>
    importsOf(text).flatMap(name => fileOf(path, name, workspaces, paths).map(to => [path, to] as const)),
  )
  const partOf = (path: string): string =>
    workspaces.map(({ folder }) => folder).find(folder => path.startsWith(`${folder}/`)) ?? '.'
  const drawn = edges.filter(([from]) => !onlyForTests.includes(partOf(from)))
  const parts = arrowsBetween(drawn.map(([from, to]) => [partOf(from), partOf(to)]))
  const rooms = workspaces
    .map(({ folder }) => folder)
    .filter(folder => !onlyForTests.includes(folder))
    .map(folder => roomsOf(folder, sources, drawn))
  return [
    '# Structure',
    '',
    'Drawn from the imports of the code, without tests. An arrow says *uses*. Dependencies run one way, and no file imports',
    'itself by way of others: `checks/imports.ts` refuses both. Files are named for the concept that they hold.',
    '',
    '[ARCHITECTURE.md](../ARCHITECTURE.md) follows one webhook through all parts and has a table concept → file.',
    '',
    '## Parts',
    '',
    flowchart(parts),
    '',
    ...rooms.flatMap(room => [room, '']),
  ].join('\n')
}

/** The folders of a part, the arrows between them, and their files. */
function roomsOf(
  part: string,
  sources: readonly Source[],
  edges: readonly (readonly [string, string])[],
): string {
  const inside = (path: string): boolean => path.startsWith(`${part}/`)
  const roomOf = (path: string): string =>
    dirname(path.slice(part.length + 1))
      .split('/')[0]!
      .replace(/^\.$/, '(top)')
  const rooms = Map.groupBy(sources.map(({ path }) => path).filter(inside), path => roomOf(path))
  const arrows = arrowsBetween(
    edges.filter(([from, to]) => inside(from) && inside(to)).map(([from, to]) => [roomOf(from), roomOf(to)]),
  )
  const rows = sorted(rooms.keys()).map(room => {
    const folder = room === '(top)' ? `${part}/` : `${part}/${room}/`
    const files = sorted(rooms.get(room)).map(path => path.slice(folder.length).replace(/\.m?ts$/, ''))
    return `| ${room} | ${files.join(', ')} | ${sorted(arrows.get(room)).join(', ') || '–'} |`
  })
  return [`## ${part}`, '', '| room | files | uses |', '| --- | --- | --- |', ...rows].join('\n')
}

const sorted = (names: Iterable<string> = []): string[] => [...names].toSorted()

function flowchart(arrows: Arrows): string {
  const id = (name: string): string => name.replaceAll(/[^a-z]/g, '_')
  const lines = sorted(arrows.keys()).flatMap(from =>
    sorted(arrows.get(from)).map(to => `  ${id(from)}["${from}"] --> ${id(to)}["${to}"]`),
  )
  return ['```mermaid', 'flowchart LR', ...lines, '```'].join('\n')
}

export const currentStructurePage = (): string => structurePage(readWorkspaces(), readSources())
export const writtenStructurePage = (): string => readFileSync(page, 'utf8')

if (import.meta.main && process.argv.includes('--write')) writeFileSync(page, currentStructurePage())
