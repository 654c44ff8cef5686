import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkVersion, versionedFiles, withRelease, withVersion } from './release.ts'

const root = join(import.meta.dirname, '..')

test.each([
  ['0.2.0', '0.1.0', undefined],
  ['0.1.1', '0.1.0', undefined],
  ['1.0.0', '0.9.9', undefined],
  ['0.1.0', '0.1.0', '0.1.0 does not come after 0.1.0'],
  ['0.1.9', '0.2.0', '0.1.9 does not come after 0.2.0'],
  ['v0.2.0', '0.1.0', 'v0.2.0 is no version: give one like 0.2.0'],
  ['', '0.1.0', ' is no version: give one like 0.2.0'],
])('%s after %s', (next, before, message) => {
  const check = () => checkVersion(next, before)
  if (message === undefined) expect(check).not.toThrow()
  else expect(check).toThrow(message)
})

test('a version that is part of another one stays', () => {
  expect(withVersion('0.1.0, v0.1.0 "0.1.0" 10.1.0 0.1.0-rc 0.1.01 image:0.1.0', '0.1.0', '0.2.0')).toBe(
    '0.2.0, v0.1.0 "0.2.0" 10.1.0 0.1.0-rc 0.1.01 image:0.2.0',
  )
})

test('what is unreleased becomes the section of the version, and empty headings go', () => {
  const before =
    '# Changelog\n\n## Unreleased\n\n### Added\n\n### Fixed\n\n- A thing.\n\n## 0.1.0 (2026-01-01)\n\n- First.\n'
  expect(withRelease(before, '0.2.0', '2026-02-01')).toBe(
    '# Changelog\n\n## Unreleased\n\n### Added\n\n### Changed\n\n### Fixed\n\n### Security\n\n' +
      '## 0.2.0 (2026-02-01)\n\n### Fixed\n\n- A thing.\n\n## 0.1.0 (2026-01-01)\n\n- First.\n',
  )
})

test('a release of nothing is refused', () => {
  expect(() => withRelease('## Unreleased\n\n### Added\n', '0.2.0', '2026-02-01')).toThrow(
    'what would be released',
  )
})

test('a package or chart whose version the release would forget', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const known = new Set(globSync([...versionedFiles], { cwd: root }))
  const manifests = globSync(['*/package.json', '*/*/package.json'], {
    cwd: root,
    exclude: ['node_modules/**'],
  })
  for (const file of manifests) expect(known).toContain(file)
  for (const file of [...manifests, 'charts/fairlead/Chart.yaml']) {
    expect(readFileSync(join(root, file), 'utf8'), file).toContain(version)
  }
})
