import { globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { commandNames } from '@fairlead/cli/commands.ts'
import { conditionReasons, conditionTypes } from '@fairlead/operator/organization/condition-types'
import { conditionReasons as replayReasons } from '@fairlead/operator/replay/condition-types'
import { describe, expect, test } from 'vitest'

/** What pages for operators name is there. Whether their commands work is tried in a cluster: testbed/cluster. */

const root = resolve(import.meta.dirname, '..')
const pages = [
  ...globSync('docs/operations/*.md', { cwd: root }),
  'docs/threat-model.md',
  'k8s/README.md',
].sort()
const read = (path: string) => readFileSync(join(root, path), 'utf8')

test('status.md explains every condition and every reason', () => {
  const text = read('docs/operations/status.md')
  const words = [...conditionTypes, ...conditionReasons, ...replayReasons]
  expect(words.filter(word => !text.includes(`\`${word}\``))).toEqual([])
})

describe.each(pages)('%s', page => {
  const text = read(page)

  test('links lead to files that are there', () => {
    const links = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, link]) => link!)
    const missing = links.filter(link => !/^https?:/.test(link) && !isThere(join(dirname(page), link)))
    expect(missing).toEqual([])
  })

  test('files that are named in code are there', () => {
    const named = [...text.matchAll(/`((?:services|packages|charts|cli|operator|testbed|k8s)\/[\w./-]+)`/g)]
    expect(named.map(([, path]) => path!).filter(path => !isThere(path))).toEqual([])
  })

  test('commands of fairlead are those that it has', () => {
    const used = [...text.matchAll(/`?kubectl fairlead ([a-z][a-z-]+)/g)].map(([, name]) => name!)
    expect(used.filter(name => !commandNames.includes(name))).toEqual([])
  })

  test('values of the chart are those that it has', () => {
    // Each has a comment that begins with its name.
    const values = read('charts/fairlead/values.yaml')
    const set = [...text.matchAll(/--set(?:=| )["']?([^\s"'\\…]+)/g)].flatMap(([, list]) =>
      list!
        .replace(/=\{.*\}/, '=')
        .split(',')
        .map(pair => pair.split('=')[0]!),
    )
    const named = [
      ...text.matchAll(
        /`((?:receiver|worker|store|api|operator|nats|postgres|redis|streams|ingress|httpRoute|networkPolicy|prometheusRule|dashboards|encryptionKeys)\.[A-Za-z.]+)`/g,
      ),
    ]
    const paths = [...set, ...named.map(([, path]) => path!)]
    expect(paths.filter(path => !values.includes(`# ${path}:`))).toEqual([])
  })
})

function isThere(path: string): boolean {
  return globSync(path.replace(/\/$/, ''), { cwd: root }).length > 0
}
