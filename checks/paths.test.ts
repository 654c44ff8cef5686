import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
/** A file or folder of the repository, with at least one slash; braces and stars as in a shell. */
const path = /`([A-Za-z@.][\w@.*{},-]*(?:\/[\w.*{},-]+)*\/?)`|\]\((?!https?:)([^)#]+)/g
const folders = globSync('*/', { cwd: root, exclude: name => name === 'node_modules' }).map(name =>
  name.replace(/\/$/, ''),
)
/** Of a merge that was not finished. */
const mergeMark = /^(?:<{7}|>{7}) /m

function pathsIn(page: string): string[] {
  const found = [...readFileSync(join(root, page), 'utf8').matchAll(path)]
  return found.flatMap(([, quoted, linked]) => {
    if (linked !== undefined) return [linked]
    return quoted?.includes('/') && folders.includes(quoted.split('/')[0]!) ? [quoted] : []
  })
}

/** `a/{b,c}.ts` names two paths. */
function spread(pattern: string): string[] {
  const [, before, choices, after] = /^(.*?)\{(.*?)\}(.*)$/.exec(pattern) ?? []
  return choices === undefined ? [pattern] : choices.split(',').map(one => `${before}${one}${after}`)
}

const exists = (pattern: string): boolean =>
  pattern.includes('*') ? globSync(pattern, { cwd: root }).length > 0 : existsSync(join(root, pattern))

test.each(['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'])('%s names no file that is not there', page => {
  const paths = pathsIn(page).flatMap(spread)
  expect(paths.length).toBeGreaterThan(5)
  expect(paths.filter(one => !exists(one))).toEqual([])
})

test('no file holds marks of a merge, or is left over from one', () => {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\n')
  const tracked = git('ls-files').filter(Boolean)
  expect(tracked.length).toBeGreaterThan(1_000)
  expect(tracked.filter(file => /\.(orig|rej)$/.test(file))).toEqual([])
  const marked = tracked.filter(
    file => existsSync(join(root, file)) && mergeMark.test(readFileSync(join(root, file), 'latin1')),
  )
  expect(marked).toEqual([])
})
