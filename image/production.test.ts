import { expect, test } from 'vitest'
import { type Lock, type LockEntry, productionPaths } from './production.ts'

const image = {
  'node_modules/@fairlead/image': { link: true, resolved: 'image' },
  image: { dependencies: { a: '*' } },
} satisfies Lock['packages']

/** The paths of a lockfile in which the image depends on `a`, beside those of the image itself. */
function pathsOf(packages: Record<string, LockEntry>): string[] {
  return productionPaths({ packages: { ...image, ...packages } }).filter(path => !(path in image))
}

test.each<[string, Record<string, LockEntry>, string[]]>([
  ['an unneeded package stays out', { 'node_modules/a': {}, 'node_modules/b': {} }, ['node_modules/a']],
  [
    'needs of needs',
    { 'node_modules/a': { dependencies: { b: '1' } }, 'node_modules/b': {} },
    ['node_modules/a', 'node_modules/b'],
  ],
  [
    'the nearest version',
    {
      'node_modules/a': { dependencies: { b: '1' } },
      'node_modules/a/node_modules/b': {},
      'node_modules/b': {},
    },
    ['node_modules/a', 'node_modules/a/node_modules/b'],
  ],
  [
    'a circle',
    { 'node_modules/a': { dependencies: { b: '1' } }, 'node_modules/b': { dependencies: { a: '1' } } },
    ['node_modules/a', 'node_modules/b'],
  ],
  [
    'a workspace, with its link',
    { 'node_modules/a': { link: true, resolved: 'packages/a' }, 'packages/a': {} },
    ['node_modules/a', 'packages/a'],
  ],
  [
    'a peer, unless it is optional',
    {
      'node_modules/a': {
        peerDependencies: { b: '1', c: '1' },
        peerDependenciesMeta: { c: { optional: true } },
      },
      'node_modules/b': {},
      'node_modules/c': {},
    },
    ['node_modules/a', 'node_modules/b'],
  ],
  [
    'what is optional only where it runs',
    {
      'node_modules/a': { optionalDependencies: { here: '1', there: '1', absent: '1' } },
      'node_modules/here': { os: [process.platform], cpu: [process.arch] },
      'node_modules/there': { os: ['plan9'] },
    },
    ['node_modules/a', 'node_modules/here'],
  ],
])('%s', (_, packages, expected) => {
  expect(pathsOf(packages)).toEqual(expected)
})

test('a lockfile without something that is needed is refused', () => {
  expect(() => pathsOf({ 'node_modules/a': { dependencies: { b: '1' } } })).toThrow('no b for node_modules/a')
})
